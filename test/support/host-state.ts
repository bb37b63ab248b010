/**
 * What a container engine can leave behind on a host. The whole machine is looked at; what belongs to other engines that
 * work on it at the same time is told apart.
 * @module
 */
import { expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { TestEngine } from "./engine.ts";

const kinds = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] as const;

/**
 * Mounts in the mount namespace that the engine was started in, the host's or the test's own; without those of Docker's
 * daemons that other tests compare with.
 */
function mountsAround({ namespace }: TestEngine): string[] {
  return readFileSync(`/proc/${namespace}/mountinfo`, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.includes("/caisson-peer."));
}

function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Pids of processes whose command line names `text`; not the caller's own. */
export function processesNaming(text: string): number[] {
  return pids().filter((pid) => pid !== process.pid && commandLine(pid).includes(text));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
  } catch {
    return 0;
  }
}

/** Every cgroup of the machine. */
function allCgroups(): string[] {
  return spawnSync("find", ["/sys/fs/cgroup", "-type", "d"], { encoding: "utf8", maxBuffer: 1 << 28 })
    .stdout.split("\n")
    .filter(Boolean);
}

/** Namespaces that some process on the host is in, each with those processes. */
export function namespaces(): Map<string, number[]> {
  const seen = new Map<string, number[]>();
  for (const pid of pids()) {
    for (const kind of kinds) {
      try {
        const name = readlinkSync(`/proc/${pid}/ns/${kind}`);
        seen.set(name, [...(seen.get(name) ?? []), pid]);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  return seen;
}

/**
 * The machine as it was at one time, for an engine that was started with {@link HostState.parent} as its cgroup parent:
 * that is how its containers' processes are known among those of others.
 */
export class HostState implements Disposable {
  /** For `--cgroup-parent`. */
  static readonly parent: string = `/caisson-test-${process.pid}`;
  readonly #engine: TestEngine;
  readonly #mounts: ReadonlySet<string>;
  readonly #cgroups = new Set(allCgroups());
  readonly #namespaces = new Set(namespaces().keys());
  readonly #processes = new Set(pids());
  readonly #network: string | undefined;

  constructor(engine: TestEngine) {
    this.#engine = engine;
    this.#mounts = new Set(mountsAround(engine));
    this.#network = namespaceOf(engine.pid);
  }

  /**
   * Fails unless, within `seconds`, there is nothing that was not there at that time.
   * @param ids the containers that there were, in whose names nothing may be left wherever it lies
   */
  async expectUnchanged(ids: ReadonlySet<string> = new Set(), seconds = 30): Promise<void> {
    const end = Date.now() + seconds * 1000;
    let difference = this.#difference(ids);
    while (Object.values(difference).some((list) => list.length > 0) && Date.now() < end) {
      await Bun.sleep(200);
      difference = this.#difference(ids);
    }
    expect(difference).toEqual({ mounts: [], cgroups: [], namespaces: [], processes: [] });
  }

  #difference(ids: ReadonlySet<string>): Record<"mounts" | "cgroups" | "namespaces" | "processes", string[]> {
    const now = namespaces();
    const isOurs = (pid: number): boolean => this.#isOurs(pid);
    const named = (path: string): boolean => ids.has(/[0-9a-f]{64}/.exec(path)?.[0] ?? "");
    return {
      mounts: mountsAround(this.#engine).filter((line) => !this.#mounts.has(line)),
      cgroups: allCgroups().filter(
        (path) => !this.#cgroups.has(path) && (path.includes(HostState.parent) || named(path)),
      ),
      namespaces: [...now]
        .filter(([name, members]) => !this.#namespaces.has(name) && members.some(isOurs))
        .map(([name, members]) => `${name}: ${members.map(commandLine).join(", ")}`),
      processes: this.#newProcesses(),
    };
  }

  /** An engine keeps one shim that waits for work; a second one would be another engine's. */
  #newProcesses(): string[] {
    const found = pids().filter(
      (pid) => !this.#processes.has(pid) && this.#isOurs(pid) && !this.#isEngine(pid),
    );
    const spare = found.find((pid) => commandLine(pid).startsWith("caisson-shim\0spare"));
    return found.filter((pid) => pid !== spare).map((pid) => `${pid} ${commandLine(pid)}`);
  }

  /** What runs of it although the engine was stopped and no container is left. */
  survivors(): string[] {
    return pids()
      .filter((pid) => !this.#processes.has(pid) && this.#isOurs(pid))
      .map((pid) => `${pid} ${commandLine(pid)}`);
  }

  #isOurs(pid: number): boolean {
    return namespaceOf(pid) === this.#network || isBelow(pid, HostState.parent);
  }

  /** The daemon and its executors, which may have been started since. */
  #isEngine(pid: number): boolean {
    return pid === this.#engine.pid || parentOf(pid) === this.#engine.pid;
  }

  /** Removes the parent cgroup, once every engine with it is gone. */
  static removeParent(): void {
    for (const path of allCgroups().filter((each) => each.endsWith(HostState.parent))) rmdirSync(path);
  }

  [Symbol.dispose](): void {
    HostState.removeParent();
  }
}

function isBelow(pid: number, cgroup: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`:${cgroup}/`);
  } catch {
    return false;
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Everything below the engine's roots, sorted, but for the files that SQLite makes and removes. */
export function filesOf(engine: TestEngine): string[] {
  return [engine.dataRoot, engine.execRoot]
    .flatMap((root) => (readdirSync(root, { recursive: true }) as string[]).map((path) => join(root, path)))
    .filter((path) => !/\.db-(wal|shm)$/.test(path))
    .sort();
}

/** What the engine's own process holds open: descriptor by descriptor what it is, without numbers of its own. */
export function descriptorsOf({ pid }: TestEngine): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\[\d+\]$/, "")];
      } catch {
        return [];
      }
    })
    .sort();
}

/** What the engine has in memory, in KiB. */
export function residentMemoryOf({ pid }: TestEngine): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
