/**
 * What an engine takes of memory and processor, with what it started.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { ApiConnection } from "./api.ts";
import type { RunningEngine } from "./engines.ts";
import { memoryOf, parentOf } from "./process-memory.ts";

/** How often the kernel counts a process's time in a second (sysconf(3), _SC_CLK_TCK). */
const clockTicks = 100;

/** IDs of the containers that run. */
export async function runningContainers(socket: string): Promise<string[]> {
  using api = new ApiConnection(socket);
  const list = (await api.call("GET", "/v1.40/containers/json")) as readonly { readonly Id: string }[];
  return list.map(({ Id }) => Id);
}

/** PSS of the engine, of what it started and of the shims, in bytes; containers themselves are left out. */
export async function memoryWithShims({ socket, processes }: RunningEngine): Promise<number> {
  using api = new ApiConnection(socket);
  const containers = new Set<number>();
  for (const id of await runningContainers(socket)) containers.add(await api.pid(id));
  const counted = new Set<number>([...processes, ...[...containers].map(parentOf)]);
  const parents = parentsOfAll();
  for (let before = 0; before < counted.size;) {
    before = counted.size;
    for (const [pid, parent] of parents) if (counted.has(parent) && !containers.has(pid)) counted.add(pid);
  }
  return [...counted].reduce((sum, pid) => sum + pssOrNone(pid), 0);
}

/**
 * What the engine's own processes took of the processor since they began, in seconds (proc_pid_stat(5)): the daemon and
 * those that it started itself and that still run. Shims aren't among them: they have other parents.
 */
export function processorTime({ pid: daemon, processes }: RunningEngine): number {
  const own = new Set(processes);
  for (const [pid, parent] of parentsOfAll()) if (parent === daemon) own.add(pid);
  let ticks = 0;
  for (const pid of own) ticks += orNone(() => ticksOf(pid));
  return ticks / clockTicks;
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function parentsOfAll(): Map<number, number> {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return new Map(pids.map((pid) => [Number(pid), orNone(() => parentOf(Number(pid)))]));
}

/** A process may end while it is looked at. */
function pssOrNone(pid: number): number {
  return orNone(() => memoryOf(pid).pss);
}

function orNone(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}
