import { expect, test } from "bun:test";
import { CWD, errnoNumbers, flags, KernelError, O, open, ProgramBuilder, type Errno } from "../kernel/mod.ts";
import { failure } from "../errors/mod.ts";
import { startFailure } from "./start-error.ts";

function failed(call: "chdir" | "execve" | "fail" | "openat" | "open_tree", errno: Errno): KernelError {
  const b = new ProgramBuilder();
  if (call === "fail") b.composite("find x in PATH", "fail", [2]);
  else if (call === "openat") open(b, "open a layer", CWD, "/x", flags(O, "PATH"), b.slot("layer"));
  else b.call(`do ${call}`, call, ["/x"]);
  return new KernelError(b.build(), 0, errnoNumbers[errno]);
}

test.each([
  ["fail", "ENOENT", "nosuch", 127, 'exec: "nosuch": executable file not found in $PATH'],
  ["execve", "ENOENT", "/nosuch", 127, 'exec: "/nosuch": stat /nosuch: no such file or directory'],
  ["execve", "EACCES", "/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'],
  ["execve", "ENOEXEC", "/x", 126, "exec format error"],
  ["open_tree", "ENOENT", "sh", 127, "no such file or directory"],
  ["openat", "EIO", "sh", 128, "open a layer"],
] as const)("%s %s of %s exits %i", (call, errno, command, exitCode, text) => {
  const result = startFailure(failed(call, errno), command);
  expect(result.exitCode).toBe(exitCode);
  expect(result.error.message).toContain(text);
});

test("the kernel's step, its call and its errno stand in the text", () => {
  const { error } = startFailure(failed("openat", "ENOENT"), "sh");
  expect(error.message).toContain(
    'open a layer: openat(AT_FDCWD, "/x", O_PATH) = <layer>: ENOENT (no such file or directory) [step 0]',
  );
});

test("a directory that isn't there is 127 with runc's words, an exec is told as one", () => {
  const { error, exitCode } = startFailure(failed("chdir", "ENOENT"), "sh", "exec");
  expect(exitCode).toBe(127);
  expect(error.message).toStartWith(
    'OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd ("/x") set in config.json failed: no such file or directory',
  );
});

test("what the engine refused is told as it is, what nobody expected says what was being done", () => {
  const refused = failure("internal", { message: "unable to find user nosuch" });
  expect(startFailure(refused, "sh")).toEqual({ error: refused, exitCode: 128 });
  expect(startFailure(new TypeError("odd"), "sh").error.message).toMatch(/^failed to create task.*: odd$/);
});

test.each([
  ["ENOENT", 404, "cannot access path /v/_data/a/b: lstat /v/_data/a/b: no such file or directory"],
  ["EXDEV", 400, "path concatenation escapes the base directory, base: /v/_data, subpath: a/b"],
  ["ENOTDIR", 400, 'error while resolving symlinks in combined path "/v/_data/a/b": not a directory'],
] as const)("a part of a volume that is %s", (errno, status, text) => {
  const b = new ProgramBuilder();
  b.call("access path /v/_data/a/b", "openat2", [b.slot("volume"), "a/b"]);
  const { error } = startFailure(new KernelError(b.build(), 0, errnoNumbers[errno]), "sh");
  expect([error.status, error.message]).toEqual([status, text]);
});

test("what the host has no more of, or what didn't answer, is not the asker's fault", () => {
  for (const errno of ["ENOSPC", "EDQUOT", "EMFILE", "ENOMEM"] as const)
    expect(startFailure(failed("openat", errno), "sh").error.status).toBe(500);
  const late = failure("executor-lost", { doing: "look at /x", reason: "was stopped: the deadline passed" });
  const { error } = startFailure(late, "sh");
  expect([error.status, error.exitCode]).toEqual([500, 128]);
  expect(startFailure(failed("openat", "EINVAL"), "sh").error.status).toBe(400);
});
