/**
 * Whether the kernel killed something in a cgroup for memory.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cgroup } from "./types.ts";

/** How many processes of `cgroup` were killed for memory; 0 where it has no memory controller, or is gone. */
export function memoryKills(cgroup: Cgroup): number {
  const memory = cgroup.directories.find(
    ({ hierarchy: { version, controllers } }) => version === 2 || controllers.includes("memory"),
  );
  if (memory === undefined) return 0;
  // Both versions' files have a line `oom_kill N`.
  const file = memory.hierarchy.version === 2 ? "memory.events" : "memory.oom_control";
  try {
    const match = /^oom_kill (\d+)$/m.exec(readFileSync(join(memory.path, file), "utf8"));
    return Number(match?.[1] ?? 0);
  } catch {
    return 0;
  }
}
