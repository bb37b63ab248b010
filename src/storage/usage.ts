/**
 * How much a directory holds, as Docker counts it: the lengths of files, each inode once, directories not at all.
 * @module
 */
import type { Path } from "../image/mod.ts";
import { CWD, open, ProgramBuilder, type Executor } from "../kernel/mod.ts";
import { directoryForReading } from "./directories.ts";
import { isDirectory } from "./stat.ts";
import { TreeReader } from "./tree-reader.ts";

/** Bytes of all files below `directory`. `session` starts an executor for it. */
export async function diskUsage(session: () => Executor, directory: string): Promise<number> {
  const executor = session();
  try {
    const b = new ProgramBuilder();
    open(b, `open ${directory}`, CWD, directory, directoryForReading, b.slot("root"));
    await executor.run(b.build());
    return await usage(new TreeReader(executor));
  } finally {
    executor.close();
  }
}

async function usage(reader: TreeReader): Promise<number> {
  const left: Path[] = [[]];
  const counted = new Set<string>();
  let total = 0;
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    for await (const files of reader.list(path)) {
      for (const { name, stat } of files) {
        if (isDirectory(stat)) left.push([...path, name]);
        else if (stat.links === 1) total += stat.size;
        else if (!counted.has(stat.identity)) {
          counted.add(stat.identity);
          total += stat.size;
        }
      }
    }
  }
  return total;
}
