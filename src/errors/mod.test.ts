import { expect, test } from "bun:test";
import { CaissonError, failure, inContext, isFailure, messageOf, isFull } from "./mod.ts";
import { registry } from "./registry.ts";

test("an error carries its code, status, exit code, Docker's text and its cause", () => {
  const cause = new TypeError("inner");
  const error = failure("no-such-image", { reference: "x:latest" }, cause);
  expect(error).toBeInstanceOf(CaissonError);
  expect([error.message, error.status, error.exitCode, error.cause]).toEqual([
    "No such image: x:latest",
    404,
    125,
    cause,
  ]);
  expect(isFailure(error, "no-such-image")).toBe(true);
  expect(isFailure(cause, "no-such-image")).toBe(false);
});

test("every status is one that the Engine API answers with", () => {
  for (const { status } of Object.values(registry))
    expect([304, 400, 401, 403, 404, 409, 500, 501, 503]).toContain(status);
});

test("messageOf takes whatever was thrown", () => {
  expect(messageOf(failure("conflict", { message: "taken" }))).toBe("taken");
  expect(messageOf("text")).toBe("text");
});

test.each([
  ["ENOSPC: no space left on device, open '/a b/c'", "open /a b/c: no space left on device"],
  ["ENOSPC: no space left on device, write", "write: no space left on device"],
  [
    "EXDEV: cross-device link not permitted, rename '/a' -> '/b'",
    "rename /a /b: cross-device link not permitted",
  ],
  ["EXAMPLE of another text", "EXAMPLE of another text"],
])("messageOf says %j as Go does", (text, expected) => {
  expect(messageOf(new TypeError(text))).toBe(expected);
});

test("inContext says what was being done and keeps the code", () => {
  const inner = failure("container-not-running", { id: "c0ffee" });
  const error = inContext("cannot kill container: web", inner);
  expect(isFailure(error, "container-not-running")).toBe(true);
  expect(messageOf(error)).toBe("cannot kill container: web: container c0ffee is not running");
  const other = new TypeError("x");
  expect(inContext("doing", other)).toBe(other);
});

test.each([
  ["of node", Object.assign(new TypeError("x"), { code: "ENOSPC" }), true],
  ["of the kernel", Object.assign(failure("unavailable", { message: "x" }), { errnoName: "EDQUOT" }), true],
  ["of the registry", failure("no-space", { doing: "write x" }), true],
  [
    "that has one for its cause",
    failure("internal", { message: "x" }, failure("no-space", { doing: "y" })),
    true,
  ],
  ["for another reason", Object.assign(new TypeError("x"), { code: "ENOENT" }), false],
  ["that is none", "ENOSPC", false],
])("a full disk is known by an error %s", (_, error, expected) => expect(isFull(error)).toBe(expected));
