/**
 * What a container engine can leave behind on a host.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { TestEngine } from "./engine.ts";

/** Lines of the host's mount table below `folder`. */
export function mountsBelow(folder: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder));
}

/** Pids of processes whose command line or environment of files names `text`; not the caller's own. */
export function processesNaming(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(join("/proc", name, "cmdline"), "latin1").includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Cgroups of the containers `ids`, in every hierarchy. */
export function cgroupsOf(ids: ReadonlySet<string>): string[] {
  const { stdout } = spawnSync(
    "find",
    ["/sys/fs/cgroup", "-type", "d", "-regextype", "posix-extended", "-regex", ".*/[0-9a-f]{64}"],
    {
      encoding: "utf8",
    },
  );
  return stdout.split("\n").filter((path) => ids.has(path.slice(-64)));
}

/** How many files and folders there are below `folder`. */
export function countFiles(folder: string): number {
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).length : 0;
}

/** Names of all namespaces that some process on the host is in, of user namespaces `0`-rooted at the host's. */
export function namespaces(): Set<string> {
  const seen = new Set<string>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      for (const space of ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"])
        seen.add(readlinkSync(`/proc/${name}/ns/${space}`));
    } catch {
      // It has ended meanwhile.
    }
  }
  return seen;
}

/** What the engine's own process holds. */
export interface EngineUse {
  readonly descriptors: number;
  readonly residentKiB: number;
  readonly children: number;
  readonly files: number;
}

/** Counts what `engine` holds now. */
export function useOf(engine: TestEngine): EngineUse {
  const { pid } = engine;
  const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    residentKiB: Number(resident),
    children: children === "" ? 0 : children.split(" ").length,
    files: countFiles(engine.dataRoot) + countFiles(engine.execRoot),
  };
}
