/**
 * Whether the kernel killed something in a cgroup for memory.
 *
 * systemd removes a scope's cgroup as soon as it is empty, often before anybody can read what happened in it. The slice
 * stays, and counts the kills of everything below it: what no other exit explains is then blamed on the container whose
 * process ended by SIGKILL.
 * @module
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Cgroup, CgroupDirectory } from "./types.ts";

const SIGKILLED = 137;

/** Kills of one host's containers. */
export class MemoryKills {
  /** By a parent's directory: how many kills below it are explained. */
  readonly #explained = new Map<string, number>();

  /** To be called before a container starts: kills so far are not its own. */
  begin(cgroup: Cgroup): void {
    const memory = memoryDirectory(cgroup);
    if (memory?.hierarchy.version !== 2) return;
    const parent = dirname(memory.path);
    if (!this.#explained.has(parent)) this.#explained.set(parent, kills(join(parent, "memory.events")) ?? 0);
  }

  /** Whether a process of `cgroup` was killed for memory; `exitCode` is that of its first process. */
  killed(cgroup: Cgroup, exitCode: number): boolean {
    const memory = memoryDirectory(cgroup);
    if (memory === undefined) return false;
    // Both versions' files have a line `oom_kill N`.
    if (memory.hierarchy.version === 1) return (kills(join(memory.path, "memory.oom_control")) ?? 0) > 0;
    const parent = dirname(memory.path);
    const before = this.#explained.get(parent);
    const own = kills(join(memory.path, "memory.events"));
    const total = this.#explain(parent);
    if (own !== undefined) return own > 0;
    return exitCode === SIGKILLED && before !== undefined && total !== undefined && total > before;
  }

  #explain(parent: string): number | undefined {
    const total = kills(join(parent, "memory.events"));
    if (total !== undefined) this.#explained.set(parent, total);
    return total;
  }
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
