import { expect, test } from "bun:test";
import { closeSync, readSync } from "node:fs";
import { findHostProgram, runHostProgram, spawnWithSocket } from "./spawn.ts";

test("a program of the host gets its input and gives back all that it said", async () => {
  expect(await runHostProgram(["sh", "-c", "cat; echo err >&2; exit 3"], "input")).toEqual({
    code: 3,
    stdout: "input",
    stderr: "err\n",
  });
  expect(await runHostProgram(["cat"])).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("programs are found in PATH", () => {
  expect(findHostProgram("sh")).toEndWith("/sh");
  expect(findHostProgram("caisson-no-such-program")).toBeUndefined();
});

test("a process with a socket on descriptor 3, in / and without an environment", async () => {
  const child = spawnWithSocket(["/bin/sh", "-c", 'echo "$0 $(pwd) $HOME" >&3']);
  expect(await child.exited).toBe(0);
  const buffer = Buffer.alloc(64);
  const count = readSync(child.socket, buffer);
  expect(buffer.toString("utf8", 0, count)).toBe("/bin/sh / \n");
  closeSync(child.socket);
});
