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

const killed = { code: 137, asked: false };

test("kills are counted in both versions' files; without a file there are none", () => {
  withSlice((at, count) => {
    const memory = new MemoryKills();
    expect([memory.killed(at("one", 1), killed), memory.killed(at("one", 2), killed)]).toEqual([
      false,
      false,
    ]);
    count("one", 0);
    expect([memory.killed(at("one", 1), killed), memory.killed(at("one", 2), killed)]).toEqual([
      false,
      false,
    ]);
    count("one", 2);
    expect([
      memory.killed(at("one", 1), killed),
      memory.killed(at("one", 2), { code: 1, asked: true }),
    ]).toEqual([true, true]);
  });
});

test("of a cgroup that is gone its slice tells: once, of who was killed, and not what was before", () => {
  withSlice((at, count) => {
    const memory = new MemoryKills();
    count("", 7);
    for (const name of ["one", "two", "three", "four"]) memory.begin(at(name, 2));
    expect(memory.killed(at("one", 2), killed)).toBe(false);
    memory.begin(at("one", 2));
    count("", 8);
    expect(memory.killed(at("two", 2), { code: 0, asked: false })).toBe(false);
    expect(memory.killed(at("three", 2), { code: 137, asked: true })).toBe(false);
    expect(memory.killed(at("one", 2), killed)).toBe(true);
    expect(memory.killed(at("four", 2), killed)).toBe(false);
  });
});

test("two that are killed at once are both told, whatever ends between", () => {
  withSlice((at, count) => {
    const memory = new MemoryKills();
    count("", 0);
    for (const name of ["one", "two", "bystander"]) memory.begin(at(name, 2));
    count("bystander", 0);
    count("", 2);
    expect(memory.killed(at("bystander", 2), killed)).toBe(false);
    expect([memory.killed(at("one", 2), killed), memory.killed(at("two", 2), killed)]).toEqual([true, true]);
  });
});

test("what one that runs on has lost is nobody else's, and its own even when its cgroup is gone", () => {
  withSlice((at, count, slice) => {
    const memory = new MemoryKills();
    count("", 0);
    memory.begin(at("lives", 2));
    count("lives", 1);
    count("", 1);
    for (const name of ["one", "two"]) memory.begin(at(name, 2));
    expect(memory.killed(at("one", 2), killed)).toBe(false);
    count("lives", 3);
    count("", 3);
    expect(memory.killed(at("two", 2), killed)).toBe(false);
    rmSync(join(slice, "lives"), { recursive: true });
    expect(memory.killed(at("lives", 2), { code: 0, asked: false })).toBe(true);
  });
});

test("what was lost before an engine found a container is its own; one that never started is forgotten", () => {
  withSlice((at, count) => {
    const memory = new MemoryKills();
    count("found", 2);
    count("", 5);
    memory.begin(at("found", 2));
    memory.begin(at("one", 2));
    memory.begin(at("never", 2));
    memory.forget(at("never", 2));
    count("never", 1);
    count("", 6);
    expect(memory.killed(at("found", 2), { code: 0, asked: false })).toBe(true);
    expect(memory.killed(at("one", 2), killed)).toBe(true);
  });
});

test("one that somebody ends has been looked at before", () => {
  withSlice((at, count, slice) => {
    const memory = new MemoryKills();
    count("", 0);
    for (const name of ["one", "two"]) memory.begin(at(name, 2));
    for (const name of ["", "one"]) count(name, 1);
    for (const name of ["one", "two", "nobody"]) memory.look(at(name, 2));
    rmSync(join(slice, "one"), { recursive: true });
    expect(memory.killed(at("one", 2), { code: 137, asked: true })).toBe(true);
    expect(memory.killed(at("two", 2), killed)).toBe(false);
  });
});
