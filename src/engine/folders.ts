/**
 * Folders of containers as programs for the warm executor: the engine's own thread never waits for a disk.
 * @module
 */
import { basename, dirname } from "node:path";
import { close, CWD, flags, mkdir, O, open, write, type ProgramBuilder } from "../kernel/mod.ts";

/** Adds the removal of the folder at `path` and of everything in it; missing is fine. */
export function removeFolder(b: ProgramBuilder, path: string): void {
  const parent = b.slot("folder above");
  const how = flags(O, "RDONLY", "DIRECTORY", "NOFOLLOW", "CLOEXEC");
  open(b, `open ${dirname(path)}`, CWD, dirname(path), how, parent, { tolerate: ["ENOENT"] });
  b.composite(`remove ${path}`, "remove", [parent, basename(path)], { optional: true });
  close(b, parent, true);
}

/** Files of a folder, by name. */
export type FolderFiles = Readonly<Record<string, { readonly content: string; readonly mode: number }>>;

/** Adds a folder with files, made anew: what an earlier start left is removed. */
export function makeFolder(b: ProgramBuilder, path: string, mode: number, files: FolderFiles): void {
  const made = mkdir(b, `make ${path}`, CWD, path, mode, { tolerate: ["EEXIST"] });
  b.skipIf("unless it is there already", made, ">=0", 0, () => {
    removeFolder(b, path);
    mkdir(b, `make ${path}`, CWD, path, mode);
  });
  const how = flags(O, "WRONLY", "CREAT", "EXCL", "NOFOLLOW");
  for (const [name, file] of Object.entries(files)) {
    write(b, `write ${name}`, CWD, `${path}/${name}`, file.content, { how, mode: file.mode });
  }
}
