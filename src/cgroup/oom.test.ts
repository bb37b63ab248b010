import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryKills } from "./oom.ts";
import type { Hierarchy } from "./types.ts";

test("kills are counted in both versions' files; without a file there are none", () => {
  const directory = mkdtempSync(join(tmpdir(), "caisson-oom."));
  const cgroup = { path: "/x", directories: [{ hierarchy: {} as Hierarchy, path: directory, parents: [] }] };
  try {
    expect(memoryKills(cgroup)).toBe(0);
    writeFileSync(join(directory, "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    expect(memoryKills(cgroup)).toBe(2);
    rmSync(join(directory, "memory.oom_control"));
    writeFileSync(join(directory, "memory.events"), "low 0\noom 1\noom_kill 1\noom_group_kill 0\n");
    expect(memoryKills(cgroup)).toBe(1);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
