/**
 * How much a directory holds, as Docker counts it: the lengths of files, each inode once, directories not at all.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Path } from "../image/mod.ts";
import { CWD, KernelError, open, ProgramBuilder, type Executor } from "../kernel/mod.ts";
import { directoryForReading } from "./directories.ts";
import { isDirectory } from "./stat.ts";
import { TreeReader } from "./tree-reader.ts";

/** Milliseconds that a directory may take; a file system in it that doesn't answer holds nobody up for longer. */
const DEADLINE = 60_000;

/**
 * Bytes of all files below `directory`, without what is mounted there; 0 if it has gone. `session` starts an executor for
 * it. Throws `unavailable` when it takes longer than a minute.
 */
export async function diskUsage(session: () => Executor, directory: string): Promise<number> {
  const executor = session();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(failure("unavailable", { message: `measuring ${directory} takes too long` }));
  }, DEADLINE);
  try {
    return await Promise.race([measure(executor, directory), late.promise]);
  } finally {
    clearTimeout(timer);
    executor.close();
  }
}

async function measure(executor: Executor, directory: string): Promise<number> {
  const b = new ProgramBuilder();
  open(b, `open ${directory}`, CWD, directory, directoryForReading, b.slot("root"));
  try {
    await executor.run(b.build());
  } catch (error) {
    // Whose it was is removed while others ask how much everybody has.
    if (error instanceof KernelError && error.errnoName === "ENOENT") return 0;
    throw error;
  }
  return await usage(new TreeReader(executor));
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
