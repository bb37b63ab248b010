/**
 * All files below a folder of the host, as a session of an executor's sees them: links and what is mounted there are not
 * followed.
 * @module
 */
import type { Path } from "../image/mod.ts";
import { close, CWD, flags, O, open, ProgramBuilder, type Executor } from "../kernel/mod.ts";
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

/** Names in a folder of the host, links to it followed; undefined if it can't be opened. The session's slot 0 is free then. */
export async function namesIn(session: Pick<Executor, "run">, folder: string): Promise<string[] | undefined> {
  const how = flags(O, "RDONLY", "DIRECTORY", "NONBLOCK", "CLOEXEC");
  const doing = `look into ${folder}`;
  const b = new ProgramBuilder();
  const opened = open(b, `open ${folder}`, CWD, folder, how, b.slot("root"), { tolerate: "any" });
  const outcome = await session.run(b.build(), { doing });
  if ((outcome.valueOf(opened) ?? -1) < 0) return undefined;
  const names = await new TreeReader(session).names([]);
  const done = new ProgramBuilder();
  close(done, done.slot("root"));
  await session.run(done.build(), { doing });
  return names;
}
