/**
 * A place for one run of benchmarks, and an end to everything that the run started: processes by their pids, cgroups,
 * files. Nothing is mounted outside of namespaces that die with their processes.
 * @module
 */
import { type ChildProcess, execFile, spawn, type SpawnOptions } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../src/errors/mod.ts";

/** Starts a command in a network namespace of its own, whose loopback is up, and becomes it: the pid stays. */
const ownNetwork = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];
/** The same with a mount namespace, for those that mount. */
const ownMounts = ["unshare", "--net", "--mount", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];

export class Scratch implements AsyncDisposable {
  /** A temporary folder. */
  readonly folder: string = mkdtempSync(join(tmpdir(), "caisson-bench-"));
  /** A name that is this run's alone: parent of its cgroups. */
  readonly name: string = `caisson-bench-${process.pid}`;
  readonly #children: ChildProcess[] = [];
  readonly #closers = new AsyncDisposableStack();

  /** A new folder below the temporary one. */
  make(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Calls `end` at the end, before processes are ended. */
  atEnd(end: () => Promise<void>): void {
    this.#closers.defer(end);
  }

  /** Starts a long-lived process in namespaces of its own; its output goes to a file of its name. */
  start(
    name: string,
    command: readonly string[],
    options: { mounts?: boolean; env?: NodeJS.ProcessEnv } = {},
  ): ChildProcess {
    const log = openSync(join(this.folder, `${name}.log`), "a");
    const stdio: SpawnOptions["stdio"] = ["ignore", log, log];
    const [file = "", ...args] = [...(options.mounts === true ? ownMounts : ownNetwork), ...command];
    const child = spawn(file, args, { stdio, env: options.env ?? process.env, detached: true });
    closeSync(log);
    this.#children.push(child);
    return child;
  }

  /** Starts a process in a network namespace of its own that is talked to by its stdin and stdout. */
  converse(command: readonly string[]): ChildProcess {
    const [file = "", ...args] = [...ownNetwork, ...command];
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#children.push(child);
    return child;
  }

  /** The last line of a started process's output. */
  lastLine(name: string): string {
    return (
      readFileSync(join(this.folder, `${name}.log`), "utf8")
        .trimEnd()
        .split("\n")
        .at(-1) ?? ""
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closers.disposeAsync();
    for (const child of this.#children.toReversed()) await end(child);
    for (const pid of this.#leftBehind()) process.kill(pid, "SIGKILL");
    await removeCgroups(this.name);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Processes of this run that lost their parent: their command lines name its folder. */
  #leftBehind(): number[] {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(this.folder);
        } catch {
          return false;
        }
      })
      .map(Number);
  }
}

/** Ends a process and awaits its end: SIGTERM, and SIGKILL after a while. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const late = new AbortController();
  const kill = sleep(20_000, undefined, { signal: late.signal }).then(
    () => void child.kill("SIGKILL"),
    () => {},
  );
  await gone;
  late.abort();
  await kill;
}

/** Runs a command to its end and answers its output; its failure is an error that ends with what it said last. */
export function output(
  command: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<string> {
  const [file = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { maxBuffer: 64 << 20, env: options.env }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = stderr.trim().split("\n").slice(-2).join("; ") || error.message;
      reject(failure("internal", { message: `${file}: ${said}` }, error));
    });
    child.stdin?.end(options.input ?? "");
  });
}

/** Removes cgroups whose names begin so in every hierarchy; what has just ended in them may take a moment to go. */
async function removeCgroups(prefix: string): Promise<void> {
  const hierarchies = ["", ...readdirSync("/sys/fs/cgroup")].map((name) => join("/sys/fs/cgroup", name));
  const left = (): string[] =>
    hierarchies.flatMap((hierarchy) =>
      entries(hierarchy)
        .filter((name) => name.startsWith(prefix))
        .map((name) => join(hierarchy, name)),
    );
  for (let tries = 30; tries > 0 && left().length > 0; tries--) {
    left().forEach(removeCgroup);
    if (left().length > 0) await sleep(100);
  }
}

function removeCgroup(path: string): void {
  for (const name of entries(path)) removeCgroup(join(path, name));
  try {
    rmdirSync(path);
  } catch {
    // Somebody is in it, still.
  }
}

/** Folders in a folder; none if there is no such folder. */
function entries(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
