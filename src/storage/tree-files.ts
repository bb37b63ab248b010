/**
 * All files below a folder of the host, as a session of an executor's sees them: links and what is mounted there are not
 * followed.
 * @module
 */
import type { Path } from "../image/mod.ts";
import { CWD, open, ProgramBuilder, type Executor } from "../kernel/mod.ts";
import { directoryForReading } from "./directories.ts";
import { isDirectory, type Stat } from "./stat.ts";
import { TreeReader } from "./tree-reader.ts";

/** A file and where it is. */
export interface TreeFile {
  /** Names from the folder on. */
  readonly path: Path;
  readonly stat: Stat;
}

/** Everything below `directory` but directories. Throws the kernel's error if it can't be opened. */
export async function* treeFiles(
  session: Pick<Executor, "run">,
  directory: string,
): AsyncGenerator<TreeFile, void, void> {
  const b = new ProgramBuilder();
  open(b, `open ${directory}`, CWD, directory, directoryForReading, b.slot("root"));
  await session.run(b.build(), { doing: `look into ${directory}` });
  const reader = new TreeReader(session);
  const left: Path[] = [[]];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    for await (const files of reader.list(path)) {
      for (const { name, stat } of files) {
        if (isDirectory(stat)) left.push([...path, name]);
        else yield { path: [...path, name], stat };
      }
    }
  }
}
