/**
 * Whether the kernel killed something in a cgroup for memory.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cgroup } from "./types.ts";

/** Version 1's file and version 2's; both have a line `oom_kill N`. */
const files = ["memory.oom_control", "memory.events"];

/** How many processes of `cgroup` were killed for memory; 0 where it has no memory controller, or is gone. */
export function memoryKills(cgroup: Cgroup): number {
  let kills = 0;
  for (const { path } of cgroup.directories) {
    for (const file of files) {
      try {
        const match = /^oom_kill (\d+)$/m.exec(readFileSync(join(path, file), "utf8"));
        kills += Number(match?.[1] ?? 0);
      } catch {
        // Another controller's directory.
      }
    }
  }
  return kills;
}
