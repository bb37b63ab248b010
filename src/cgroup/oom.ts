/**
 * Whether the kernel killed something in a cgroup for memory.
 *
 * systemd removes a scope's cgroup as soon as it is empty, often before anybody can read what happened in it. The slice
 * stays, and counts the kills of everything below it. One that no container explains that is there or was read is then
 * blamed on the container whose process ended by SIGKILL meanwhile, of nobody's doing that the engine knows.
 * @module
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Cgroup, CgroupDirectory } from "./types.ts";

const SIGKILLED = 137;
const EVENTS = "memory.events";

/** How a container's first process ended. */
export interface MemoryExit {
  /** 128 + signal if one killed it. */
  readonly code: number;
  /** Whether somebody asked the engine to end it. */
  readonly asked: boolean;
}

/** A container that runs. */
interface Running {
  /** Kills in its slice, when it began, that nobody explained. */
  before: number;
  /** Its own, as far as they are counted as explained. */
  own: number;
}

/** The parent of containers' cgroups, version 2. */
interface Slice {
  /** What it counted when its containers were last looked at. */
  seen: number;
  explained: number;
  /** By their directories. */
  readonly running: Map<string, Running>;
}

/** Kills of one host's containers. */
export class MemoryKills {
  /** By their directories. */
  readonly #slices = new Map<string, Slice>();

  /** To be called before a container starts, or when it is found running: kills so far in its slice are not its own. */
  begin(cgroup: Cgroup): void {
    const memory = memoryDirectory(cgroup);
    if (memory?.hierarchy.version !== 2) return;
    const parent = dirname(memory.path);
    const slice = this.#slices.get(parent) ?? { seen: 0, explained: 0, running: new Map<string, Running>() };
    this.#slices.set(parent, slice);
    const running: Running = { before: 0, own: 0 };
    slice.running.set(memory.path, running);
    credit(slice, memory.path, running);
    running.before = unexplained(slice, parent);
  }

  /** To be called before somebody ends a container: afterwards its cgroup may be gone before it can be read. */
  look(cgroup: Cgroup): void {
    const path = memoryDirectory(cgroup)?.path;
    if (path === undefined) return;
    const slice = this.#slices.get(dirname(path));
    const running = slice?.running.get(path);
    if (slice !== undefined && running !== undefined) credit(slice, path, running);
  }

  /** One that didn't start, or that is no more. */
  forget(cgroup: Cgroup): void {
    const path = memoryDirectory(cgroup)?.path;
    if (path !== undefined) this.#slices.get(dirname(path))?.running.delete(path);
  }

  /** Whether a process of `cgroup` was killed for memory; to be called once, when its first process has ended. */
  killed(cgroup: Cgroup, exit: MemoryExit): boolean {
    const memory = memoryDirectory(cgroup);
    if (memory === undefined) return false;
    // Both versions' files have a line `oom_kill N`.
    if (memory.hierarchy.version === 1) return (kills(join(memory.path, "memory.oom_control")) ?? 0) > 0;
    const own = kills(join(memory.path, EVENTS));
    const parent = dirname(memory.path);
    const slice = this.#slices.get(parent);
    const running = slice?.running.get(memory.path);
    if (slice === undefined || running === undefined) return (own ?? 0) > 0;
    credit(slice, memory.path, running);
    slice.running.delete(memory.path);
    if (running.own > 0) return true;
    if (own !== undefined || exit.code !== SIGKILLED || exit.asked) return false;
    if (unexplained(slice, parent) <= running.before) return false;
    slice.explained++;
    return true;
  }
}

/** Counts a container's own kills as explained. */
function credit(slice: Slice, path: string, running: Running): void {
  const own = kills(join(path, EVENTS)) ?? running.own;
  slice.explained += own - running.own;
  running.own = own;
}

/** Kills in a slice that no container explains. */
function unexplained(slice: Slice, parent: string): number {
  const total = kills(join(parent, EVENTS)) ?? slice.seen;
  if (total !== slice.seen) for (const [path, running] of slice.running) credit(slice, path, running);
  slice.seen = total;
  return total - slice.explained;
}

function memoryDirectory({ directories }: Cgroup): CgroupDirectory | undefined {
  return directories.find(
    ({ hierarchy: { version, controllers } }) => version === 2 || controllers.includes("memory"),
  );
}

/** Undefined: there is no such file any more. */
function kills(file: string): number | undefined {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? 0);
  } catch {
    return undefined;
  }
}
