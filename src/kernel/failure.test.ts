import { expect, test } from "bun:test";
import { CWD, open } from "./calls.ts";
import { errnoNumbers } from "./errno.ts";
import { KernelError } from "./failure.ts";
import { flags, O } from "./flags.ts";
import { ProgramBuilder } from "./program.ts";

function program(): ReturnType<ProgramBuilder["build"]> {
  const b = new ProgramBuilder();
  open(b, "open the layer", CWD, "/layer", flags(O, "PATH"), b.slot("layer"));
  return b.build();
}

test("an error names what was being done, the call, the errno and the step", () => {
  const error = new KernelError(program(), 0, errnoNumbers.ENOENT, "start container x");
  expect(error.message).toBe(
    'start container x: open the layer: openat(AT_FDCWD, "/layer", O_PATH) = <layer>: ENOENT (no such file or directory) [step 0]',
  );
  expect([error.errnoName, error.operation?.call, error.status]).toEqual(["ENOENT", "openat", 500]);
});

test("what fails before the first operation has a name too", () => {
  expect(new KernelError(program(), 0xfffffff3, errnoNumbers.ENOSPC).message).toBe(
    "open the log: ENOSPC (no space left on device)",
  );
  expect(new KernelError(program(), 0xffffffff, errnoNumbers.EAGAIN).message).toContain(
    "start a process for it: EAGAIN",
  );
});

test("an errno that nobody knows is shown by its number", () => {
  expect(new KernelError(program(), 0, 999).message).toContain("errno 999 (unknown error)");
});
