import { expect, test } from "bun:test";
import { failure } from "../errors/mod.ts";
import { answerOf } from "./errors.ts";
import { listLog } from "./fake-engine.ts";

test("errors of the registry carry their status; only defects are logged as such", () => {
  const log = listLog();
  expect(answerOf(failure("no-such-container", { name: "x" }), "GET /x", log)).toEqual({
    status: 404,
    message: "No such container: x",
    headers: "all",
    plain: false,
  });
  expect(answerOf(failure("internal", { message: "broken" }), "GET /x", log)).toMatchObject({
    status: 500,
    message: "broken",
  });
  expect(answerOf(new RangeError("oops"), "GET /x", log)).toEqual({
    status: 500,
    message: "oops",
    headers: "all",
    plain: false,
  });
  expect(log.lines).toEqual([
    "debug No such container: x",
    "error broken",
    "error unexpected error in a request",
  ]);
});

test("before the version is known there are fewer headers; who is too old is told in plain text", () => {
  const log = listLog();
  const old = failure("client-too-old", { version: "1.1", minimum: "1.24" });
  const future = failure("client-too-new", { version: "2", maximum: "1.51" });
  expect(answerOf(old, "", log)).toMatchObject({ status: 400, headers: "unversioned", plain: true });
  expect(answerOf(future, "", log)).toMatchObject({ status: 400, headers: "unversioned", plain: false });
  expect(answerOf(failure("page-not-found", {}), "", log)).toMatchObject({ status: 404, headers: "none" });
});

test("what is full is told, and what to do, where the kernel says neither", () => {
  const full = failure("internal", { message: "write /x: no space left on device" });
  const engine = { system: { shortage: () => "/x has no inodes left (of 5)" } };
  const { message } = answerOf(full, "", listLog(), engine);
  expect(message).toBe(
    "write /x: no space left on device: /x has no inodes left (of 5): remove what is not needed (docker system prune)",
  );
  const other = failure("internal", { message: "broken" });
  expect(answerOf(other, "", listLog(), engine).message).toBe("broken");
  const elsewhere = { system: { shortage: () => undefined } };
  expect(answerOf(full, "", listLog(), elsewhere).message).toBe(full.message);
});
