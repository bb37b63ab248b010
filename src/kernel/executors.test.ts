import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { Executors } from "./executors.ts";
import { installNativeBinary } from "./native-binary.ts";
import { ProgramBuilder } from "./program.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-executors-`);
const executors = new Executors(installNativeBinary(directory));
afterAll(() => {
  executors.close();
  rmSync(directory, { recursive: true });
});

test("one is kept warm, and replaced once it is gone", async () => {
  const first = executors.warm();
  expect(executors.warm()).toBe(first);
  first.close();
  const second = executors.warm();
  expect(second).not.toBe(first);
  const b = new ProgramBuilder();
  const who = b.call("ask who this is", "getpid", []);
  expect((await second.run(b.build())).valueOf(who)).toBe(second.pid);
});

test("a session is somebody's own", () => {
  const session = executors.session();
  expect(session.pid).not.toBe(executors.warm().pid);
  session.close();
  expect(executors.warm().lost).toBe(false);
});
