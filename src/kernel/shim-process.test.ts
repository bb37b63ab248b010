import { expect, test } from "bun:test";
import { printProgram } from "./print.ts";
import { ProgramBuilder } from "./program.ts";
import { startShim } from "./shim-process.ts";

test("a shim listens in the folder, has nothing but that and /dev/null, and ends with who made it", () => {
  const b = new ProgramBuilder();
  const pid = startShim(b, "/run/caisson/a-long-way/new.sock", 4711);
  const program = b.build();
  expect(pid.operation).toBe(0);
  expect(program.operations.map(({ call, depth }) => `${depth} ${call}`)).toEqual([
    "0 clone",
    ...[
      "prctl",
      "getppid",
      "skip",
      "exit",
      "setsid",
      "chdir",
      "socket",
      "umask",
      "unlinkat",
      "bind",
      "umask",
      "listen",
    ].map((call) => `1 ${call}`),
    ...["openat", "dup3", "dup3", "dup3", "dup3", "close_range", "execve"].map((call) => `1 ${call}`),
    "0 await",
    "0 close",
  ]);
  const shown = printProgram(program);
  expect(shown).toContain('chdir("/run/caisson/a-long-way")');
  expect(shown).toContain("PR_SET_PDEATHSIG, SIGKILL");
  const bind = program.operations.find(({ call }) => call === "bind");
  const [, address, length] = bind?.args ?? [];
  expect(address).toMatchObject({ kind: "bytes", value: Buffer.from("\x01\0new.sock\0", "latin1") });
  expect(length).toBe(11);
});
