/**
 * The engine's own pages: half of what it has resident at first is its executable, most of which was needed once. Why they
 * are let go of is in docs/decisions/memory.md.
 * @module
 */
import { readFile } from "node:fs/promises";
import { pageOut, ProgramBuilder, readAhead, type Executors, type MemoryRange } from "../kernel/mod.ts";

/** Milliseconds that it may take. */
const deadline = 10_000;

/** Where a process has mapped `file`, by its /proc/PID/maps (proc_pid_maps(5)). */
export function rangesOf(maps: string, file: string): MemoryRange[] {
  const ranges: MemoryRange[] = [];
  for (const line of maps.split("\n")) {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ +(.*)$/.exec(line) ?? [];
    if (path !== file) continue;
    const start = BigInt(`0x${from}`);
    ranges.push({ start, length: BigInt(`0x${to}`) - start });
  }
  return ranges;
}

/**
 * Has this process let go of its executable's pages, by an executor: nobody can do that to itself. `rehearse` touches those
 * that are needed. What left the page cache with them is read into it afterwards, so that the next process of this executable
 * doesn't wait for the disk; before, a page that comes back would bring its neighbours with it.
 * @throws kernel where the kernel or the machine's policy doesn't allow it
 */
export async function pageOutExecutable(executors: Executors, rehearse: () => Promise<void>): Promise<void> {
  const ranges = rangesOf(await readFile("/proc/self/maps", "utf8"), process.execPath);
  // An executable that was replaced has another name now: the pages of the new one are no concern of this process.
  if (ranges.length === 0) return rehearse();
  const b = new ProgramBuilder();
  pageOut(b, process.pid, ranges);
  try {
    await executors.warm().fork(b.build(), { doing: "give pages of the executable back", deadline });
  } finally {
    await rehearse();
  }
  const after = new ProgramBuilder();
  readAhead(after, `/proc/${process.pid}/exe`);
  await executors.warm().fork(after.build(), { doing: "read the executable again", deadline });
}
