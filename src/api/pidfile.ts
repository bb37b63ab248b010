/**
 * The file that holds a daemon's process id, and keeps a second daemon from the same data.
 * @module
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { failure } from "../errors/mod.ts";

/** Writes this process's id. Throws if the process that the file names is alive. */
export async function writePidfile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  const holder = await readPid(path);
  if (holder !== undefined && holder !== process.pid && (await isAlive(holder)))
    throw failure("conflict", {
      message: `process with PID ${holder} is still running: it holds ${path}`,
    });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${process.pid}\n`, { mode: 0o644 });
  await rename(temporary, path);
}

/** Removes the file if it still names this process. */
export async function removePidfile(path: string): Promise<void> {
  if ((await readPid(path)) === process.pid) await rm(path, { force: true });
}

async function readPid(path: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : undefined;
}

/** Whether the process is there and no zombie. After a reboot the id may be another program's, as with dockerd. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (status === undefined) return false;
  const state = status.slice(status.lastIndexOf(")") + 2, status.lastIndexOf(")") + 3);
  return state !== "Z" && state !== "X";
}
