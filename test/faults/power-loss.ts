/**
 * What a disk has when the power fails under an engine: copies of its data root, taken file by file while it is written;
 * the same without what was never synced; and the blocks of the disk itself that the data root is on.
 * @module
 */
import { Database } from "bun:sqlite";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestEngine } from "../support/engine.ts";

/** Why there is no disk of a test's own here; undefined: there is. */
export const noDisk: string | undefined = ["losetup -f", "mkfs.ext4 -V"].find(
  (line) => spawnSync("sh", ["-c", line]).status !== 0,
);

const diskSize = 256 * 1024 * 1024;

/** Runs a program that must succeed. */
export function mustRun(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}

const diskOf = (engine: TestEngine): string => join(engine.directory, "disk");

/** Gives an engine that isn't started yet a disk of its own for its data root. */
export function giveDisk(engine: TestEngine): void {
  writeFileSync(diskOf(engine), "");
  truncateSync(diskOf(engine), diskSize);
  mustRun("mkfs.ext4", "-q", diskOf(engine));
  mountDisk(engine);
}

/** Mounts a disk where an engine that isn't started yet has its data root. */
export function mountDisk(engine: TestEngine): void {
  mkdirSync(engine.dataRoot);
  const { code, stderr } = engine.runInside("mount", ["-o", "loop", diskOf(engine), engine.dataRoot]);
  if (code !== 0) throw new Error(`mount ${diskOf(engine)}: ${stderr}`);
}

/** The data root as others see it who aren't in the engine's mount namespace. */
export function rootOf(engine: TestEngine): string {
  return join(`/proc/${engine.namespace}/root`, engine.dataRoot);
}

/** Copies a data root while it is written, but for the database. */
export function copyFiles(engine: TestEngine, to: string): void {
  mkdirSync(to);
  // What goes away meanwhile is missing; that is no error here.
  spawnSync("sh", [
    "-c",
    `cd "$0" && tar --ignore-failed-read --exclude='./caisson.db*' --exclude=./lost+found --xattrs --xattrs-include='*' -cf - . | tar --xattrs --xattrs-include='*' -xpf - -C "$1"`,
    rootOf(engine),
    to,
  ]);
}

/** Does `work` while nothing of the engine's own runs: what it writes stands still. */
export function whileFrozen(engine: TestEngine, work: () => void): void {
  const { pid } = engine;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  const frozen = [pid, ...children.filter(Boolean).map(Number)];
  const signal = (which: NodeJS.Signals): void => {
    for (const each of frozen)
      try {
        process.kill(each, which);
      } catch {
        // It has ended.
      }
  };
  signal("SIGSTOP");
  try {
    work();
  } finally {
    signal("SIGCONT");
  }
}

/** Copies the database as it is. */
export function copyDatabase(engine: TestEngine, to: string): void {
  for (const name of ["caisson.db", "caisson.db-wal"]) {
    const from = join(rootOf(engine), name);
    if (existsSync(from)) copyFileSync(from, join(to, name));
  }
}

/** Copies the blocks that the disk has got. The kernel writes when it likes, so they are read until they stay the same. */
export function copyDisk(engine: TestEngine, to: string): void {
  for (;;) {
    mustRun("cp", "--sparse=always", diskOf(engine), to);
    if (spawnSync("cmp", ["-s", diskOf(engine), to]).status === 0) return;
  }
}

const files = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

const folders = (...path: string[]): string[] => {
  const folder = join(...path);
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
};

/**
 * Takes from a copy what was never synced, some of it: files are empty or cut, folders that were made a moment ago are
 * missing, the database lacks its last changes. Returns what was taken.
 */
export function forget(copy: string, next: () => number): Record<string, number> {
  const taken = { emptied: 0, cut: 0, folders: 0, changes: 0 };
  const cut = (path: string): void => {
    truncateSync(path, Math.floor(next() * statSync(path).size));
    taken.cut++;
  };
  for (const layer of folders(copy, "overlay2", "layers")) {
    if (existsSync(join(layer, "settled"))) continue;
    for (const path of files(layer)) {
      if (next() < 0.3) continue;
      truncateSync(path, 0);
      taken.emptied++;
    }
  }
  for (const folder of [
    ...folders(copy, "containers"),
    ...folders(copy, "overlay2", "containers"),
    ...folders(copy, "volumes"),
  ]) {
    if (next() < 0.1) {
      rmSync(folder, { recursive: true });
      taken.folders++;
      continue;
    }
    for (const path of files(folder)) if (next() < 0.3) cut(path);
  }
  for (const path of files(join(copy, "images", "ingest"))) cut(path);
  const log = join(copy, "caisson.db-wal");
  if (existsSync(log) && next() < 0.5) {
    const { size } = statSync(log);
    truncateSync(log, Math.floor(size * (1 - next() * next())));
    taken.changes = size - statSync(log).size;
  }
  return taken;
}

/** Has a data root be of another run of the machine. */
export function startMachineAgain(dataRoot: string): void {
  for (const layer of folders(dataRoot, "overlay2", "layers")) {
    const path = join(layer, "layer.json");
    if (existsSync(path))
      writeFileSync(path, readFileSync(path, "utf8").replace(/"boot":"[^"]*"/, '"boot":"another"'));
  }
  // SQLite follows links, that of another mount namespace's root too: it works beside, and what it made is put back.
  const beside = mkdtempSync(join(tmpdir(), "caisson-test-db."));
  const names = ["caisson.db", "caisson.db-wal"].filter((name) => existsSync(join(dataRoot, name)));
  for (const name of names) renameAcross(join(dataRoot, name), join(beside, name));
  {
    using database = new Database(join(beside, "caisson.db"));
    database.run("UPDATE settings SET value = 'another' WHERE key = 'last-run'");
  }
  for (const name of readdirSync(beside)) renameAcross(join(beside, name), join(dataRoot, name));
  rmSync(beside, { recursive: true });
}

function renameAcross(from: string, to: string): void {
  copyFileSync(from, to);
  rmSync(from);
}
