/**
 * Why a container's process didn't start, in the words by which Docker's clients tell 126 from 127.
 * @module
 */
import { CaissonError, failure, isFailure, messageOf } from "../errors/mod.ts";
import { KernelError } from "../kernel/mod.ts";
import { FINDING_PART, MOUNTING_VOLUME } from "../runtime/mod.ts";

/** What is told and what the container's exit code becomes. */
export interface StartFailure {
  readonly error: CaissonError;
  readonly exitCode: 126 | 127 | 128;
}

/** What the host has no more of, or can't do any more. */
const shortages: ReadonlySet<string> = new Set([
  "EDQUOT",
  "EIO",
  "EMFILE",
  "ENFILE",
  "ENOMEM",
  "ENOSPC",
  "EROFS",
]);

/** What didn't start: a container or an exec in one. */
export type Started = "container" | "exec";

const prefixes: Readonly<Record<Started, string>> = {
  container: "failed to create task for container: failed to start container process",
  exec: "OCI runtime exec failed: exec failed: unable to start container process",
};

/**
 * Turns what a start threw into Docker's answer. The kernel's part (the step, the call, its errno) stands behind
 * Docker's words, so that a client's match and a person's eye both find theirs. What the engine itself refused, before
 * anything was started, is told as it is.
 */
export function startFailure(error: unknown, command: string, started: Started = "container"): StartFailure {
  const prefix = prefixes[started];
  if (!(error instanceof KernelError)) {
    if (error instanceof CaissonError && error.code !== "executor-lost") return { error, exitCode: 128 };
    const text = `${prefix}: ${messageOf(error)}`;
    // Something of the host's didn't answer.
    if (isFailure(error, "executor-lost"))
      return { error: new CaissonError("kernel", text, error), exitCode: 128 };
    return { error: failure("start-failed", { text }, error), exitCode: 128 };
  }
  const { errnoName, operation, message } = error;
  const mounting = mountFailure(error);
  if (mounting !== undefined) return { error: mounting, exitCode: 128 };
  const executes =
    operation?.call === "execve" || (operation?.composite === true && operation.call === "fail");
  if (executes && (errnoName === "ENOENT" || errnoName === "ENOTDIR")) {
    const reason = command.includes("/")
      ? `exec: "${command}": stat ${command}: no such file or directory`
      : `exec: "${command}": executable file not found in $PATH`;
    return {
      error: failure("executable-not-found", { text: `${prefix}: ${reason}: ${message}` }, error),
      exitCode: 127,
    };
  }
  if (executes && (errnoName === "EACCES" || errnoName === "EISDIR")) {
    const reason = `exec: "${command}": ${errnoName === "EISDIR" ? "is a directory" : "permission denied"}`;
    return {
      error: failure("not-executable", { text: `${prefix}: ${reason}: ${message}` }, error),
      exitCode: 126,
    };
  }
  if (executes && errnoName === "ENOEXEC") {
    const reason = `exec ${command}: exec format error`;
    return {
      error: failure("not-executable", { text: `${prefix}: ${reason}: ${message}` }, error),
      exitCode: 126,
    };
  }
  if (operation?.call === "chdir" && (errnoName === "ENOENT" || errnoName === "ENOTDIR")) {
    const [directory] = operation.args;
    const why = errnoName === "ENOENT" ? "no such file or directory" : "not a directory";
    const reason = `chdir to cwd (${JSON.stringify(directory)}) set in config.json failed: ${why}`;
    return {
      error: failure("executable-not-found", { text: `${prefix}: ${reason}: ${message}` }, error),
      exitCode: 127,
    };
  }
  if (operation?.call === "open_tree" && errnoName === "ENOENT") {
    return {
      error: failure("executable-not-found", { text: `${prefix}: ${message}` }, error),
      exitCode: 127,
    };
  }
  const text = `${prefix}: ${message}`;
  // Not whoever asked is at fault.
  if (shortages.has(errnoName)) return { error: new CaissonError("kernel", text, error), exitCode: 128 };
  return { error: failure("start-failed", { text }, error), exitCode: 128 };
}

/** What became of a volume, or of a part of one, that couldn't be mounted. */
function mountFailure(error: KernelError): CaissonError | undefined {
  const { operation, errnoName, message } = error;
  const label = operation?.label ?? "";
  if (label.startsWith(FINDING_PART)) {
    const path = label.slice(FINDING_PART.length + 1);
    if (errnoName === "ENOENT") {
      const text = `cannot ${label}: lstat ${path}: no such file or directory`;
      return failure("not-found", { message: text }, error);
    }
    const [, subpath] = operation?.args ?? [];
    const part = typeof subpath === "string" ? subpath : "";
    const base = path.slice(0, -part.length - 1);
    const texts: Readonly<Record<string, string>> = {
      EXDEV: `path concatenation escapes the base directory, base: ${base}, subpath: ${part}`,
      ENOTDIR: `error while resolving symlinks in combined path "${path}": not a directory`,
    };
    return failure("invalid-parameter", { message: texts[errnoName] ?? `cannot ${message}` }, error);
  }
  if (!label.startsWith(MOUNTING_VOLUME)) return undefined;
  return failure("start-failed", { text: `error while mounting volume: failed to ${message}` }, error);
}
