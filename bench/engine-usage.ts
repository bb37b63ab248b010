/**
 * What an engine takes of memory and processor, with what it started.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { ApiConnection } from "./api.ts";
import type { RunningEngine } from "./engines.ts";
import { memoryOf, parentOf, peakOf, resetPeak } from "./process-memory.ts";

/** How often the kernel counts a process's time in a second (sysconf(3), _SC_CLK_TCK). */
const clockTicks = 100;

/** IDs of the containers that run. */
export async function runningContainers(socket: string): Promise<string[]> {
  using api = new ApiConnection(socket);
  const list = (await api.call("GET", "/v1.40/containers/json")) as readonly { readonly Id: string }[];
  return list.map(({ Id }) => Id);
}

/** The engine's own processes: the daemon, those beside it, and what it started itself and still runs. Shims have other parents. */
export function ownProcesses({ pid: daemon, processes }: RunningEngine): number[] {
  const children = [...parentsOfAll()].filter(([, parent]) => parent === daemon).map(([pid]) => pid);
  return [...new Set([...processes, ...children])];
}

/** PSS of the engine's own processes, in bytes. */
export function ownMemory(engine: RunningEngine): number {
  return sum(ownProcesses(engine), (pid) => memoryOf(pid).pss);
}

/** PSS of the shims of all containers that run and of what they started, in bytes; containers themselves are left out. */
export async function shimMemory({ socket }: RunningEngine): Promise<number> {
  using api = new ApiConnection(socket);
  const containers = new Set<number>();
  for (const id of await runningContainers(socket)) containers.add(await api.pid(id));
  const counted = new Set([...containers].map(parentOf));
  const parents = parentsOfAll();
  for (let before = 0; before < counted.size;) {
    before = counted.size;
    for (const [pid, parent] of parents) if (counted.has(parent) && !containers.has(pid)) counted.add(pid);
  }
  return sum(counted, (pid) => memoryOf(pid).pss);
}

/** Lets the peaks of the engine's own processes begin anew. */
export function resetPeaks(engine: RunningEngine): void {
  sum(ownProcesses(engine), (pid) => {
    resetPeak(pid);
    return 0;
  });
}

/** The most that each of the engine's own processes had resident since {@link resetPeaks}, together, in bytes. */
export function peakMemory(engine: RunningEngine): number {
  return sum(ownProcesses(engine), peakOf);
}

/** What the engine's own processes took of the processor since they began, in seconds (proc_pid_stat(5)). */
export function processorTime(engine: RunningEngine): number {
  return sum(ownProcesses(engine), ticksOf) / clockTicks;
}

/** A process that ends while it is looked at counts for nothing. */
function sum(pids: Iterable<number>, read: (pid: number) => number): number {
  let total = 0;
  for (const pid of pids) total += orNone(() => read(pid));
  return total;
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function parentsOfAll(): Map<number, number> {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return new Map(pids.map((pid) => [Number(pid), orNone(() => parentOf(Number(pid)))]));
}

function orNone(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}
