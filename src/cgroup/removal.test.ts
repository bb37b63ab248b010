import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { killTree, processesBelow, removeTree } from "./removal.ts";
import type { Cgroup } from "./types.ts";

/** Ordinary directories in the place of cgroups: a cgroup is removed like them, but for its files. */
function imitation(version: 1 | 2): Cgroup & Disposable {
  const root = mkdtempSync(`${tmpdir()}/caisson-cgroup-`);
  const directories = ["pids", "freezer"].map((controller) => ({
    hierarchy: { version, controllers: [controller], mountPoint: `${root}/${controller}`, own: "/" },
    path: `${root}/${controller}/c1`,
    parents: [],
  }));
  return {
    path: "/c1",
    directories,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

test("a cgroup goes with what the container made below it, from every hierarchy", async () => {
  using cgroup = imitation(1);
  for (const { path } of cgroup.directories) mkdirSync(`${path}/a/b`, { recursive: true });
  await removeTree(cgroup);
  expect(cgroup.directories.map(({ path }) => existsSync(path))).toEqual([false, false]);
  await removeTree(cgroup);
});

test("what stays busy is an error that names it, after some patience", async () => {
  using cgroup = imitation(1);
  const [first] = cgroup.directories;
  mkdirSync(`${first?.path}/a`, { recursive: true });
  writeFileSync(`${first?.path}/a/busy`, "");
  expect(await removeTree(cgroup, 10).catch(String)).toMatch(
    /remove cgroup .*\/pids\/c1: rmdir .*: directory not empty/,
  );
});

test("what becomes free while we wait is removed", async () => {
  using cgroup = imitation(1);
  const [first] = cgroup.directories;
  mkdirSync(`${first?.path}`, { recursive: true });
  writeFileSync(`${first?.path}/busy`, "");
  setTimeout(() => rmSync(`${first?.path}/busy`), 20);
  await removeTree(cgroup);
  expect(existsSync(first?.path ?? "")).toBe(false);
});

test("every process of the tree is killed, and what is frozen is thawed so that it can die", async () => {
  using cgroup = imitation(1);
  const [pids, freezer] = cgroup.directories.map(({ path }) => path);
  mkdirSync(`${pids}/nested`, { recursive: true });
  mkdirSync(`${freezer}`, { recursive: true });
  writeFileSync(`${freezer}/freezer.state`, "FROZEN");
  const child = Bun.spawn(["sleep", "60"]);
  writeFileSync(`${pids}/cgroup.procs`, "");
  // A process of another pid namespace reads as 0, which must not become our process group.
  writeFileSync(`${pids}/nested/cgroup.procs`, `0\n${child.pid}\n`);
  expect(await processesBelow(`${pids}`)).toEqual([child.pid]);
  const killed = killTree(cgroup);
  await child.exited;
  writeFileSync(`${pids}/nested/cgroup.procs`, "");
  await killed;
  expect(child.signalCode).toBe("SIGKILL");
  expect(readFileSync(`${freezer}/freezer.state`, "utf8")).toBe("THAWED");
});

test("version 2 kills by cgroup.kill, where the kernel has it", async () => {
  using cgroup = imitation(2);
  const [first] = cgroup.directories;
  mkdirSync(first?.path ?? "", { recursive: true });
  await killTree(cgroup);
  expect(existsSync(`${first?.path}/cgroup.kill`)).toBe(false);
  writeFileSync(`${first?.path}/cgroup.kill`, "");
  await killTree(cgroup);
  expect(readFileSync(`${first?.path}/cgroup.kill`, "utf8")).toBe("1");
});
