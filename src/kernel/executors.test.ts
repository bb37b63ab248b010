import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
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

test("those that rehearse do nothing", async () => {
  const rehearsing = new Executors(installNativeBinary(directory), true);
  const b = new ProgramBuilder();
  b.slot("stdin");
  const made = b.call("make a folder", "mkdirat", [-100, `${directory}/folder`, 0o700]);
  const program = b.build();
  expect((await rehearsing.warm().run(program)).valueOf(made)).toBeUndefined();
  expect((await rehearsing.warm().fork(program)).valueOf(made)).toBeUndefined();
  const shim = {
    id: "c1",
    directory: `${directory}/bundle`,
    program,
    tty: false,
    openStdin: false,
    stdinOnce: false,
  };
  const started = await rehearsing.warm().shim({ ...shim, expectedAttaches: 0, rows: 0, columns: 0 });
  expect(await started.exited).toMatchObject({ code: 0, signal: 0 });
  expect(existsSync(`${directory}/folder`)).toBe(false);
  rehearsing.close();
});
