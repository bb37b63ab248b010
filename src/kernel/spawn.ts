/**
 * The one place that starts processes of the host.
 * @module
 */
import { closeSync, openSync } from "node:fs";
import { failure } from "../errors/mod.ts";

/** A process that was started, with a socket to it as its descriptor 3. */
export interface SocketProcess {
  readonly pid: number;
  /** Our end of the stream socket whose other end is the child's descriptor 3. */
  readonly socket: number;
  readonly exited: Promise<number>;
  kill(signal?: NodeJS.Signals): void;
  /** The engine may leave while the process runs. */
  unref(): void;
}

/** Starts `command` with a stream socket on its descriptor 3. Its stdout is closed, stderr goes to ours. */
export function spawnWithSocket(command: readonly [string, ...string[]]): SocketProcess {
  const child = Bun.spawn({
    cmd: [...command],
    cwd: "/",
    env: {},
    stdio: ["ignore", "ignore", "inherit", "pipe"],
    // Of a group of its own, all of which can be killed.
    detached: true,
  });
  const socket = child.stdio[3];
  return {
    pid: child.pid,
    socket: typeof socket === "number" ? socket : -1,
    exited: child.exited,
    kill: (signal = "SIGKILL") => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
    },
    unref: () => child.unref(),
  };
}

/** A process of its own session, which stays when this one goes. */
export interface DetachedProcess {
  readonly pid: number;
  readonly exited: Promise<number>;
}

/** Starts `command` in a session of its own, with nothing of ours but `log` (a path, appended to) as its output. */
export function spawnDetached(
  command: readonly [string, ...string[]],
  log: string,
  env: Readonly<Record<string, string>> = {},
): DetachedProcess {
  const output = openSync(log, "a", 0o600);
  try {
    const child = Bun.spawn({
      cmd: [...command],
      cwd: "/",
      env: { ...env },
      detached: true,
      stdio: ["ignore", output, output],
    });
    child.unref();
    return { pid: child.pid, exited: child.exited };
  } finally {
    closeSync(output);
  }
}

/** What a program of the host said. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program of the host is run. */
export interface HostProgramOptions {
  /** Its whole environment; undefined: ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is killed, with everything that it started. */
  readonly deadline?: number;
}

/**
 * Runs a program of the host to its end.
 * @throws executor-lost if the deadline passed
 */
export async function runHostProgram(
  command: readonly [string, ...string[]],
  input?: string,
  { environment, deadline }: HostProgramOptions = {},
): Promise<Output> {
  const child = Bun.spawn({
    cmd: [...command],
    stdin: input === undefined ? "ignore" : new TextEncoder().encode(input),
    stdout: "pipe",
    stderr: "pipe",
    ...(environment === undefined ? {} : { env: { ...environment } }),
    // Of a group of its own, all of which can be killed.
    detached: deadline !== undefined,
  });
  let late = false;
  const timer =
    deadline === undefined
      ? undefined
      : setTimeout(() => {
          late = true;
          process.kill(-child.pid, "SIGKILL");
        }, deadline);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]).finally(() => clearTimeout(timer));
  if (late) {
    throw failure("executor-lost", {
      doing: `run ${command[0]}`,
      reason: "was stopped: the deadline passed",
    });
  }
  return { code, stdout, stderr };
}

/** Whether the host has this program in PATH; its path if so. */
export function findHostProgram(name: string): string | undefined {
  return Bun.which(name) ?? undefined;
}
