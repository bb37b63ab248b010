/**
 * Paths inside a container's root file system. Nothing here is ever resolved outside of it: directories are made one
 * component at a time below descriptors that openat2(2) opened with RESOLVE_IN_ROOT.
 * @module
 */
import { failure } from "../errors/mod.ts";
import {
  AT,
  close,
  flags,
  mkdir,
  O,
  openInRoot,
  openResolved,
  RESOLVE,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";

/** The components of an absolute path inside the container; `..` can't leave the root. */
export function components(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts;
}

/** Whom made places are given to, as the host's ids; without one they are the process's own. */
export interface Maker {
  readonly uid: number;
  readonly gid: number;
}

/** Makes the directory `parts` and all above it where they are missing. `scratch` holds each in turn. */
function makeDirectories(
  b: ProgramBuilder,
  root: Slot,
  parts: readonly string[],
  scratch: Slot,
  maker?: Maker,
): void {
  for (let depth = 1; depth <= parts.length; depth++) {
    const above = parts.slice(0, depth - 1).join("/");
    const name = parts[depth - 1] ?? "";
    const label = `make /${parts.slice(0, depth).join("/")} if it is missing`;
    if (depth > 1) openInRoot(b, `open /${above}`, root, above, scratch);
    const parent = depth === 1 ? root : scratch;
    const made = mkdir(b, label, parent, name, 0o755, { tolerate: ["EEXIST"] });
    if (maker === undefined) continue;
    b.skipIf("unless it was there", made, "<0", 0, () => {
      const noFollow = flags(AT, "SYMLINK_NOFOLLOW");
      b.call("give it to the container's root", "fchownat", [parent, name, maker.uid, maker.gid, noFollow]);
    });
  }
}

/** Opens the directory at `path` below `root` into `target`; it is made where it is missing. */
export function openDirectoryTarget(
  b: ProgramBuilder,
  root: Slot,
  path: string,
  target: Slot,
  scratch: Slot,
  maker?: Maker,
): void {
  const parts = components(path);
  const inside = parts.length === 0 ? "." : parts.join("/");
  const label = `open /${parts.join("/")}`;
  const how = flags(O, "PATH", "DIRECTORY", "CLOEXEC");
  const found = openInRoot(b, label, root, inside, target, { how, tolerate: ["ENOENT"] });
  b.skipIf("unless it is missing", found, ">=0", 0, () => {
    makeDirectories(b, root, parts, scratch, maker);
    openInRoot(b, label, root, inside, target, { how });
  });
}

/**
 * Opens the ordinary directory at `path` below `root`: no part of it may be a link (CVE-2019-19921: an image whose /proc
 * leads elsewhere). It is made where it is missing.
 */
export function openOrdinaryDirectory(
  b: ProgramBuilder,
  root: Slot,
  path: string,
  target: Slot,
  scratch: Slot,
  maker?: Maker,
): void {
  const parts = components(path);
  makeDirectories(b, root, parts, scratch, maker);
  openResolved(
    b,
    `open /${parts.join("/")}, which must be an ordinary directory`,
    root,
    parts.join("/"),
    flags(O, "PATH", "DIRECTORY", "CLOEXEC"),
    flags(RESOLVE, "IN_ROOT", "NO_SYMLINKS"),
    target,
  );
}

/** Opens the file at `path` below `root` into `target`; an empty one is made where it is missing. */
export function openFileTarget(
  b: ProgramBuilder,
  root: Slot,
  path: string,
  target: Slot,
  scratch: Slot,
  maker?: Maker,
): void {
  const parts = components(path);
  if (parts.length === 0) {
    throw failure("invalid-parameter", { message: `a file can't be mounted on ${path}` });
  }
  const inside = parts.join("/");
  const found = openInRoot(b, `open /${inside}`, root, inside, target, { tolerate: ["ENOENT"] });
  b.skipIf("unless it is missing", found, ">=0", 0, () => {
    makeDirectories(b, root, parts.slice(0, -1), scratch, maker);
    // Without O_EXCL, so that a link that points to nothing gets its target made, inside of the root.
    const how = flags(O, "WRONLY", "CREAT", "NONBLOCK", "NOCTTY", "CLOEXEC");
    openInRoot(b, `make /${inside}`, root, inside, scratch, { how, mode: 0o644 });
    if (maker !== undefined)
      b.call("give it to the container's root", "fchown", [scratch, maker.uid, maker.gid]);
    // A file that is still open for writing would keep its mount from being made read-only.
    close(b, scratch);
    openInRoot(b, `open /${inside}`, root, inside, target);
  });
}
