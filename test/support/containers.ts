/**
 * Containers for a test, made as a person makes them: by the docker CLI where there is one, else by caisson's own.
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { docker, dockerPath } from "./docker.ts";
import type { Ended, TestEngine } from "./engine.ts";
import { patience } from "./patience.ts";

/** Runs a command line such as `["ps", "-a"]`. */
export function command(engine: TestEngine, args: readonly string[], input?: string | Uint8Array): Ended {
  return dockerPath === undefined ? engine.caisson(args, input) : docker(engine, args, input);
}

/** Runs a command line that must succeed; its output without the last line's end. */
export function must(engine: TestEngine, args: readonly string[], input?: string | Uint8Array): string {
  const { code, stdout, stderr } = command(engine, args, input);
  if (code !== 0) throw new Error(`${args.join(" ")}: exit code ${code}: ${stderr}`);
  return stdout.replace(/\n$/, "");
}

/** `run --rm --net=none FLAGS busybox COMMAND`, unless `flags` names another network. */
export function run(engine: TestEngine, flags: readonly string[], args: readonly string[]): Ended {
  return command(engine, ["run", "--rm", ...withNetwork(flags), "busybox", ...args]);
}

/** What a shell script prints in a container of its own; it must succeed. */
export function shell(engine: TestEngine, flags: readonly string[], script: string): string {
  const { code, stdout, stderr } = run(engine, flags, ["sh", "-c", script]);
  if (code !== 0)
    throw new Error(`${flags.join(" ")} sh -c '${script}': exit code ${code}: ${stdout}${stderr}`);
  return stdout.trimEnd();
}

/** `run -d`; the container's id. */
export function start(engine: TestEngine, flags: readonly string[], args: readonly string[] = idle): string {
  return must(engine, ["run", "-d", ...withNetwork(flags), "busybox", ...args]);
}

/** What a shell script prints in a running container; it must succeed. */
export function execute(engine: TestEngine, container: string, script: string): string {
  return must(engine, ["exec", container, "sh", "-c", script]).trimEnd();
}

/** The parts of `inspect` that tests read. */
export interface Inspection {
  readonly Id: string;
  readonly Name: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly Restarting: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Error: string;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Image: string;
  readonly LogPath: string;
  readonly Driver: string;
  readonly RestartCount: number;
  readonly ExecIDs: readonly string[] | null;
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly Config: Readonly<Record<string, unknown>>;
  readonly Mounts: readonly {
    readonly Type: string;
    readonly Name?: string;
    readonly Source: string;
    readonly Destination: string;
    readonly RW: boolean;
    readonly Propagation: string;
  }[];
  readonly UserNamespace: { readonly Mode: string; readonly Reason: string; readonly HostID?: number };
}

/** `inspect`, by the API. */
export async function inspect(engine: TestEngine, container: string): Promise<Inspection> {
  const answer = await engine.request("GET", `/containers/${container}/json`);
  if (answer.status !== 200) throw new Error(`inspect ${container}: ${answer.body.toString("utf8")}`);
  return answer.json<Inspection>();
}

/** The host's pid of a container's first process. */
export async function pidOf(engine: TestEngine, container: string): Promise<number> {
  return (await inspect(engine, container)).State.Pid;
}

/** Removes every container, between tests. */
export async function removeAll(engine: TestEngine): Promise<void> {
  const all = (await engine.request("GET", "/containers/json?all=1")).json<{ readonly Id: string }[]>();
  for (const { Id } of all) await engine.request("DELETE", `/containers/${Id}?force=1&v=1`);
}

/** Waits until `check` gives something; fails after `seconds`, or longer where everything is slower. */
export async function eventually<T>(
  what: string,
  check: () => T | undefined | Promise<T | undefined>,
  seconds = 10,
): Promise<T> {
  const deadline = Date.now() + seconds * patience * 1000;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await delay(20);
  }
}

const idle = ["sleep", "1000"];

function withNetwork(flags: readonly string[]): readonly string[] {
  return flags.some((flag) => /^--net(work)?(=|$)/.test(flag)) ? flags : ["--net=none", ...flags];
}
