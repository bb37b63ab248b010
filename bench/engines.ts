/**
 * The engines that are compared, each in a network namespace of its own with roots of its own.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../src/errors/mod.ts";
import { ApiConnection } from "./api.ts";
import { byClients } from "./api-load-work.ts";
import { firstLine } from "./harness.ts";
import { imageTar } from "./image.ts";
import { output, type Scratch } from "./scratch.ts";

/** The repository. */
export const repository: string = join(import.meta.dir, "..");
/** What is shared with the repository beside it: tools to compare by, absent elsewhere. */
export const sharedTools: string = join(repository, "../shared/tools");
/** The executable that is measured. */
export const caisson: string = process.env["CAISSON"] ?? join(repository, "dist/caisson");
/** Where `tools/peers clients` unpacked docker's programs. */
const peers = process.env["BENCH_PEERS"] ?? "/var/tmp/caisson-peers";

/** An engine that runs. */
export interface RunningEngine {
  readonly name: string;
  readonly socket: string;
  readonly pid: number;
  /** Its own processes: the daemon, and containerd beside dockerd. Shims are not among them. */
  readonly processes: readonly number[];
}

/** The environment in which peers are found. */
export function peerEnvironment(): NodeJS.ProcessEnv {
  const { DOCKER_HOST: _, DOCKER_CONTEXT: __, ...env } = process.env;
  return {
    ...env,
    PATH: `${peers}/usr/bin:${peers}/usr/sbin:/usr/sbin:/sbin:${env["PATH"] ?? ""}`,
    DOCKER_CONFIG: `${peers}/config`,
  };
}

/** The path of a peer's program. Throws if there is none here. */
export function peerProgram(name: string): string {
  const folders = (peerEnvironment()["PATH"] ?? "").split(":");
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined)
    throw failure("internal", {
      message: `there is no ${name} here (unpack the peers by ../shared/tools/peers)`,
    });
  return found;
}

/** Starts an engine of ours and gives it the image `busybox`. */
export async function startCaisson(
  scratch: Scratch,
  name: string,
  flags: readonly string[] = [],
): Promise<RunningEngine> {
  if (!existsSync(caisson))
    throw failure("internal", { message: `there is no ${caisson} (run \`make build\`)` });
  const root = scratch.make(name);
  const socket = join(root, "s");
  const child = scratch.start(name, [caisson, "daemon", ...daemonFlags(scratch, root, socket), ...flags]);
  const pid = child.pid ?? 0;
  await ready(scratch, name, socket);
  return { name, socket, pid, processes: [pid] };
}

/** The flags that keep a daemon of either kind to itself. */
function daemonFlags(scratch: Scratch, root: string, socket: string): string[] {
  const flags = {
    host: `unix://${socket}`,
    "data-root": `${root}/data`,
    "exec-root": `${root}/run`,
    pidfile: `${root}/pid`,
    "cgroup-parent": `/${scratch.name}`,
  };
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

/** Starts dockerd with containerd and gives it the image `busybox`. */
export async function startDockerd(scratch: Scratch, flags: readonly string[] = []): Promise<RunningEngine> {
  const name = "dockerd";
  const root = scratch.make(name);
  const socket = join(root, "s");
  const command = [peerProgram("dockerd"), ...daemonFlags(scratch, root, socket), ...flags];
  const child = scratch.start(name, command, { mounts: true, env: peerEnvironment() });
  const pid = child.pid ?? 0;
  await ready(scratch, name, socket);
  const children = await output(["sh", "-c", `cat /proc/${pid}/task/*/children`]);
  return { name, socket, pid, processes: [pid, ...children.trim().split(/\s+/).map(Number)] };
}

async function ready(scratch: Scratch, name: string, socket: string): Promise<void> {
  await answers(scratch, name, socket);
  scratch.atEnd(() => removeContainers(socket));
  await importImage(socket, await imageTar(scratch));
}

async function answers(scratch: Scratch, name: string, socket: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      using api = new ApiConnection(socket);
      await api.call("GET", "/_ping");
      break;
    } catch (error) {
      if (performance.now() > deadline)
        throw failure("internal", { message: `${name} does not answer: ${scratch.lastLine(name)}` }, error);
      await sleep(100);
    }
  }
}

/** Starts a daemon that answers at once and does nothing: what a client costs by itself. */
export async function startInstantDaemon(scratch: Scratch): Promise<RunningEngine> {
  const name = "instant";
  const socket = join(scratch.make(name), "s");
  const child = scratch.start(name, [process.execPath, join(import.meta.dir, "instant-daemon.ts"), socket]);
  await answers(scratch, name, socket);
  const pid = child.pid ?? 0;
  return { name, socket, pid, processes: [pid] };
}

/** Gives an engine the image `busybox` from a tar archive of a root file system. */
export async function importImage(socket: string, tar: string): Promise<void> {
  await docker(socket, ["import", "-c", 'CMD ["sh"]', "-c", "ENV PATH=/bin", tar, "busybox:latest"]);
}

/** Runs the docker CLI against an engine. */
export function docker(socket: string, args: readonly string[]): Promise<string> {
  return output([peerProgram("docker"), "-H", `unix://${socket}`, ...args], { env: peerEnvironment() });
}

async function removeContainers(socket: string): Promise<void> {
  try {
    using api = new ApiConnection(socket);
    const list = (await api.call("GET", "/v1.40/containers/json?all=1")) as { readonly Id: string }[];
    await byClients(socket, list.length, async (client) => {
      const { Id } = list.pop() ?? { Id: "" };
      await client.call("DELETE", `/v1.40/containers/${Id}?force=1&v=1`);
    });
  } catch {
    // An engine that is gone has nothing to remove; processes are ended afterwards.
  }
}

/** Engines by their names, and why others are missing. */
export interface Engines {
  readonly running: ReadonlyMap<string, RunningEngine>;
  readonly notes: string[];
}

/** Starts engines one after the other; one that can't be started is left out with its reason. */
export async function startEngines(
  starts: readonly (readonly [name: string, start: () => Promise<RunningEngine>])[],
): Promise<Engines> {
  const running = new Map<string, RunningEngine>();
  const notes: string[] = [];
  for (const [name, start] of starts) {
    try {
      running.set(name, await start());
    } catch (error) {
      notes.push(`${name} is missing: ${firstLine(error)}`);
    }
  }
  return { running, notes };
}
