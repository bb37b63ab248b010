/**
 * Starts this user's own engine when a command needs one and none answers.
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Client } from "../client/mod.ts";
import { failure, isFailure } from "../errors/mod.ts";

/** Seconds after which an engine that was started so leaves when nothing needs it. */
const idleSeconds = 60;
const patienceMs = 10_000;
const pauseMs = 20;

/** How a started engine is recognised and waited for. */
export interface Started {
  /** Whether it still runs. */
  alive(): boolean;
  /** Its last words, for an error. */
  lastWords(): string;
}

/**
 * Starts an engine on `socket` and waits until it answers. Commands that come at the same time start just one: whoever
 * makes the lock file starts it, the others wait.
 * @throws no-engine when it doesn't come up, or for an ordinary user
 */
export async function autostart(client: Client, socket: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw failure("no-engine", {
      host: `unix://${socket}`,
      reason: "an engine of an ordinary user (rootless mode) is not supported by this version of caisson",
    });
  }
  const directory = dirname(socket);
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const lock = `${directory}/autostart.lock`;
  const deadline = performance.now() + patienceMs;
  while (!takeLock(lock)) {
    if (await answers(client)) return;
    if (performance.now() > deadline)
      throw timedOut(socket, "another command has started it but it does not answer");
    await pause();
  }
  try {
    if (await answers(client)) return;
    const engine = startEngine(`${directory}/daemon.log`);
    while (!(await answers(client))) {
      if (!engine.alive()) throw timedOut(socket, `it was started but ended: ${engine.lastWords()}`);
      if (performance.now() > deadline)
        throw timedOut(socket, `it was started but does not answer; see ${directory}/daemon.log`);
      await pause();
    }
  } finally {
    unlinkSync(lock);
  }
}

function timedOut(socket: string, reason: string): Error {
  return failure("no-engine", { host: `unix://${socket}`, reason });
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, pauseMs));

async function answers(client: Client): Promise<boolean> {
  try {
    await client.system.ping();
    return true;
  } catch (error) {
    if (isFailure(error, "no-engine") || isFailure(error, "unavailable")) return false;
    throw error;
  }
}

/** Makes the lock file with this process's id in it; takes over one whose maker is gone. */
export function takeLock(path: string): boolean {
  try {
    const fd = openSync(path, "wx", 0o600);
    writeSync(fd, String(process.pid));
    closeSync(fd);
    return true;
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
  if (!abandoned(path)) return false;
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  return false;
}

function abandoned(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, "utf8"));
    // Between making the file and writing into it there is a moment without an owner.
    if (owner === 0) return Math.abs(Date.now() - statSync(path).mtimeMs) > patienceMs;
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return hasCode(error, "ESRCH");
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}

function startEngine(log: string): Started {
  const fd = openSync(log, "a", 0o600);
  const from = statSync(log).size;
  const child = spawn(process.execPath, ["daemon", "--idle-exit", String(idleSeconds)], {
    cwd: "/",
    // A session of its own: ctrl-c in this terminal is not for the engine.
    detached: true,
    stdio: ["ignore", fd, fd],
  });
  closeSync(fd);
  child.unref();
  let failed: string | undefined;
  child.on("error", (error) => {
    failed = error.message;
  });
  return {
    alive: () => failed === undefined && child.exitCode === null && child.signalCode === null,
    lastWords: () =>
      failed ?? readFileSync(log).subarray(from).toString("utf8").trim().split("\n").at(-1) ?? "",
  };
}
