/**
 * Getting rid of cgroups. A cgroup is removed with rmdir(2), its files go by themselves; what a container made below its
 * own cgroup must go first.
 * @module
 */
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failure, messageOf } from "../errors/mod.ts";
import { AT, CWD, flags, type ProgramBuilder } from "../kernel/mod.ts";
import type { Cgroup } from "./types.ts";

const LONGEST_PAUSE = 50;

/** Adds the removal of an empty cgroup without children. Missing is fine. */
export function addRemoval(b: ProgramBuilder, cgroup: Cgroup): void {
  for (const { hierarchy, path } of cgroup.directories) {
    const where = hierarchy.version === 2 ? "" : ` from ${hierarchy.controllers.join(",")}`;
    const args = [CWD, path, flags(AT, "REMOVEDIR")];
    b.call(`remove the cgroup${where}`, "unlinkat", args, { tolerate: ["ENOENT"] });
  }
}

/**
 * Removes a cgroup with all cgroups below it, for the case that the program of `addRemoval` found it busy. Waits at most
 * `patience` ms for processes that are about to end.
 */
export async function removeTree(cgroup: Cgroup, patience = 2000): Promise<void> {
  const end = performance.now() + patience;
  for (const { path } of cgroup.directories) {
    for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      const error = await removeBelow(path);
      if (error === undefined) break;
      if (performance.now() >= end) {
        throw failure("internal", { message: `remove cgroup ${path}: ${messageOf(error)}` }, error);
      }
      await sleep(pause);
    }
  }
}

/** Kills every process in a cgroup and below it, also such as are born meanwhile, until none is left or `patience` is over. */
export async function killTree(cgroup: Cgroup, patience = 2000): Promise<void> {
  const directory =
    cgroup.directories.find(({ hierarchy }) => hierarchy.controllers.includes("pids")) ??
    cgroup.directories[0];
  if (directory === undefined) return;
  if (directory.hierarchy.version === 2 && (await killAtOnce(directory.path))) return;
  const end = performance.now() + patience;
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const pids = await processesBelow(directory.path);
    if (pids.length === 0 || performance.now() >= end) return;
    for (const pid of pids) kill(pid);
    await thawTree(cgroup);
    await sleep(pause);
  }
}

/** cgroup.kill, since Linux 5.14. */
async function killAtOnce(directory: string): Promise<boolean> {
  try {
    await writeFile(`${directory}/cgroup.kill`, "1", { flag: "r+" });
    return true;
  } catch {
    return false;
  }
}

/** Version 1: what is frozen doesn't even die. Fails silently: a cgroup that isn't there is thawed. */
async function thawTree(cgroup: Cgroup): Promise<void> {
  const freezer = cgroup.directories.find(({ hierarchy }) => hierarchy.controllers.includes("freezer"));
  if (freezer === undefined || freezer.hierarchy.version === 2) return;
  await writeFile(`${freezer.path}/freezer.state`, "THAWED", { flag: "r+" }).catch(() => undefined);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/**
 * Where cgroups of the same name as `cgroup` lie, below whatever parent: for a container of which nothing but its id is
 * known any more. Looks at every cgroup of the host.
 */
export async function findByName(cgroup: Cgroup): Promise<Cgroup> {
  const found = cgroup.directories.map(async (directory) => {
    const paths = await named(directory.hierarchy.mountPoint, basename(directory.path));
    return paths.map((path) => ({ ...directory, path }));
  });
  return { ...cgroup, directories: (await Promise.all(found)).flat() };
}

async function named(directory: string, name: string): Promise<string[]> {
  const below = await children(directory);
  const deeper = await Promise.all(
    below.filter((path) => basename(path) !== name).map((path) => named(path, name)),
  );
  return [...below.filter((path) => basename(path) === name), ...deeper.flat()];
}

/** The ids of all processes in `directory` and below it. */
export async function processesBelow(directory: string): Promise<number[]> {
  const own = (await readFile(`${directory}/cgroup.procs`, "utf8").catch(() => ""))
    .split("\n")
    .filter(Boolean);
  const below = await Promise.all((await children(directory)).map(processesBelow));
  // 0: a process of a pid namespace that isn't ours or below it.
  return [...own.map(Number).filter((pid) => pid > 0), ...below.flat()];
}

async function children(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`);
}

/** The first error, if anything is left. */
async function removeBelow(directory: string): Promise<unknown> {
  for (const child of await children(directory)) {
    const error = await removeBelow(child);
    if (error !== undefined) return error;
  }
  return rmdir(directory).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? undefined : error),
  );
}
