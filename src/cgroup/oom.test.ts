import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryKills } from "./oom.ts";
import type { Hierarchy } from "./types.ts";

test("kills are counted in each version's file; without a file there are none", () => {
  const directory = mkdtempSync(join(tmpdir(), "caisson-oom."));
  const kills = (version: 1 | 2, controllers: readonly string[]): number => {
    const hierarchy: Hierarchy = { version, controllers, mountPoint: "/", own: "/" };
    return memoryKills({ path: "/x", directories: [{ hierarchy, path: directory, parents: [] }] });
  };
  try {
    expect([kills(1, ["memory"]), kills(2, [])]).toEqual([0, 0]);
    writeFileSync(join(directory, "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    writeFileSync(join(directory, "memory.events"), "low 0\noom 1\noom_kill 1\noom_group_kill 0\n");
    expect(kills(1, ["memory"])).toBe(2);
    expect(kills(1, ["pids"])).toBe(0);
    expect(kills(2, ["memory", "pids"])).toBe(1);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
