import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryKills } from "./oom.ts";
import type { Cgroup, Hierarchy } from "./types.ts";

/** A slice with the cgroups `one` and `two` below it, and what they count. */
function withSlice(
  use: (
    at: (name: string, version: 1 | 2) => Cgroup,
    count: (name: string, kills: number) => void,
    slice: string,
  ) => void,
): void {
  const slice = mkdtempSync(join(tmpdir(), "caisson-oom."));
  const at = (name: string, version: 1 | 2): Cgroup => {
    const hierarchy: Hierarchy = { version, controllers: ["memory"], mountPoint: "/", own: "/" };
    return { path: "/x", directories: [{ hierarchy, path: join(slice, name), parents: [] }] };
  };
  const count = (name: string, kills: number): void => {
    mkdirSync(join(slice, name), { recursive: true });
    writeFileSync(
      join(slice, name, "memory.oom_control"),
      `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`,
    );
    writeFileSync(join(slice, name, "memory.events"), `low 0\noom 1\noom_kill ${kills}\noom_group_kill 0\n`);
  };
  try {
    use(at, count, slice);
  } finally {
    rmSync(slice, { recursive: true, force: true });
  }
}

test("kills are counted in both versions' files; without a file there are none", () => {
  withSlice((at, count) => {
    const memory = new MemoryKills();
    expect([memory.killed(at("one", 1), 137), memory.killed(at("one", 2), 137)]).toEqual([false, false]);
    count("one", 0);
    expect([memory.killed(at("one", 1), 137), memory.killed(at("one", 2), 137)]).toEqual([false, false]);
    count("one", 2);
    expect([memory.killed(at("one", 1), 137), memory.killed(at("one", 2), 1)]).toEqual([true, true]);
  });
});

test("of a cgroup that is gone its slice tells: once, of who was killed, and not what was before", () => {
  withSlice((at, count) => {
    const memory = new MemoryKills();
    count("", 7);
    memory.begin(at("one", 2));
    memory.begin(at("two", 2));
    expect(memory.killed(at("one", 2), 137)).toBe(false);
    count("", 8);
    expect(memory.killed(at("one", 2), 137)).toBe(true);
    expect(memory.killed(at("two", 2), 137)).toBe(false);
    count("", 9);
    expect(memory.killed(at("two", 2), 0)).toBe(false);
  });
});

test("a kill that a cgroup tells of itself is not blamed on another", () => {
  withSlice((at, count) => {
    const memory = new MemoryKills();
    count("", 0);
    memory.begin(at("two", 2));
    count("one", 1);
    count("", 1);
    expect(memory.killed(at("one", 2), 137)).toBe(true);
    expect(memory.killed(at("two", 2), 137)).toBe(false);
  });
});
