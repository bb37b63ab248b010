/**
 * Executors of an engine that was killed: they still perform what they were sent before they leave, and shims that have yet
 * to begin end with them. An engine that takes over waits for that: those that it finds then are all that there are.
 * @module
 */
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds after which one that is stuck is killed, and as many for it to go. */
const PATIENCE = 3000;
const PAUSE = 5;

/**
 * Resolves when no executor runs that was started from the native binary at `path` by another process than this one. What
 * they left beside it is removed.
 */
export async function otherExecutorsGone(path: string): Promise<void> {
  const end = performance.now() + PATIENCE;
  for (let others = executorsOf(path); others.length > 0; others = others.filter(isExecutorOf(path))) {
    const late = performance.now() - end;
    if (late > 0) for (const pid of others) kill(pid);
    // One that is killed and still there waits in the kernel, for a file system that never answers. It does nothing more.
    if (late > PATIENCE) return;
    await sleep(PAUSE);
  }
  // Sockets of shims that waited for work, and the binary that an engine had begun to lay down.
  for (const name of readdirSync(dirname(path)))
    if (name.startsWith(`${basename(path)}.`) && /\.\d+(\.sock)?$/.test(name))
      rmSync(join(dirname(path), name), { force: true });
}

function executorsOf(path: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(isExecutorOf(path));
}

/** Not those in containers, who can call themselves as they like. */
function isExecutorOf(path: string): (pid: number) => boolean {
  const namespace = readlinkSync("/proc/self/ns/pid");
  return (pid) => {
    try {
      const [program, role] = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
      if (program !== path || role !== "execute") return false;
      return readlinkSync(`/proc/${pid}/ns/pid`) === namespace && parentOf(pid) !== process.pid;
    } catch {
      return false;
    }
  };
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
