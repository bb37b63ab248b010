import { expect, test } from "bun:test";
import { encodeProgram, printProgram } from "../kernel/mod.ts";
import { compileExec, type ExecContext } from "./exec.ts";
import { hostIds } from "./namespaces.ts";
import { exampleSpec } from "./testing.ts";

const context = (change: Partial<ExecContext> = {}): ExecContext => ({
  process: { ...exampleSpec().process, args: ["/bin/true"], cwd: "/" },
  pid: 4711,
  namespaces: new Set(["mount", "user", "pid", "network", "ipc", "uts"]),
  ids: hostIds(exampleSpec().linux),
  openStdin: false,
  lastCapability: 40,
  ...change,
});

test("the whole program of an exec", () => {
  const program = compileExec(context());
  expect(printProgram(program)).toMatchSnapshot();
  expect(encodeProgram(program).length).toBeGreaterThan(0);
});

test("only the namespaces that are the container's own are entered", () => {
  const text = printProgram(compileExec(context({ namespaces: new Set(["mount", "pid"]) })));
  expect(text).toContain("setns(<the container's process>, CLONE_NEWNS|CLONE_NEWPID)");
});

test("an exec's terminal is one of the container's devpts", () => {
  const process = { ...exampleSpec().process, terminal: true };
  const text = printProgram(compileExec(context({ process })));
  expect(text).toContain('openat(AT_FDCWD, "/dev/pts/ptmx"');
  expect(text).toContain("DEVPTS_SUPER_MAGIC");
});
