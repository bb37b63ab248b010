/**
 * How much a directory holds, as Docker counts it: the lengths of files, each inode once, directories not at all.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { KernelError, type Executor } from "../kernel/mod.ts";
import { treeFiles } from "./tree-files.ts";

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
    // It may hang in a file system that never answers.
    executor.kill();
  }
}

async function measure(executor: Executor, directory: string): Promise<number> {
  const counted = new Set<string>();
  let total = 0;
  try {
    for await (const { stat } of treeFiles(executor, directory)) {
      if (stat.links > 1 && counted.has(stat.identity)) continue;
      if (stat.links > 1) counted.add(stat.identity);
      total += stat.size;
    }
  } catch (error) {
    // Whose it was is removed while others ask how much everybody has.
    if (!(error instanceof KernelError && error.errnoName === "ENOENT")) throw error;
  }
  return total;
}
