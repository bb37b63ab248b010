/**
 * Networks to measure in: what runs in an engine's namespace or a container's, a neighbour on the engine's LAN, containers
 * with published ports.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../src/errors/mod.ts";
import type { ApiConnection } from "./api.ts";
import type { RunningEngine } from "./engines.ts";
import { output, type Scratch } from "./scratch.ts";

/** What a container is to be. */
export interface ContainerRequest {
  readonly network: string;
  readonly command?: readonly string[];
  /** Published ports or ranges by TCP: `8080:80`, each on both families. */
  readonly publish?: readonly (readonly [host: number, container: number])[];
}

/** A container's body as Docker's clients send it. */
export function createBody({
  network,
  command = ["sleep", "100000"],
  publish = [],
}: ContainerRequest): object {
  const named = publish.map(([host, container]) => [`${container}/tcp`, String(host)] as const);
  return {
    Image: "busybox",
    Cmd: command,
    ExposedPorts: Object.fromEntries(named.map(([port]) => [port, {}])),
    HostConfig: {
      NetworkMode: network,
      PortBindings: Object.fromEntries(named.map(([port, HostPort]) => [port, [{ HostPort }]])),
    },
  };
}

/** A container that runs. */
export interface RunningContainer {
  readonly id: string;
  readonly pid: number;
  /** Its IPv4 address on its first network. */
  readonly address: string;
}

/** Creates and starts a container. */
export async function startContainer(
  api: ApiConnection,
  request: ContainerRequest,
): Promise<RunningContainer> {
  const { Id: id } = (await api.call("POST", "/v1.44/containers/create", createBody(request))) as {
    readonly Id: string;
  };
  await api.call("POST", `/v1.44/containers/${id}/start`);
  const { State, NetworkSettings } = (await api.call("GET", `/v1.44/containers/${id}/json`)) as {
    readonly State: { readonly Pid: number };
    readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
  };
  const [first] = Object.values(NetworkSettings.Networks);
  return { id, pid: State.Pid, address: first?.IPAddress ?? "" };
}

/** A command in the network namespace of a process. */
export function inNetworkOf(pid: number, command: readonly string[]): string[] {
  return ["nsenter", `--net=/proc/${pid}/ns/net`, "--", ...command];
}

/** The engine's address and its neighbour's on the LAN between them. */
export const lan = { engine: "192.168.50.1", neighbour: "192.168.50.2" } as const;

/** A namespace on a LAN with the engine's, joined by a veth pair; a pid that is in it. */
export async function startNeighbour(scratch: Scratch, engine: RunningEngine): Promise<number> {
  const neighbour = scratch.start(`neighbour of ${engine.name}`, ["sleep", "100000"]).pid ?? 0;
  await namespaceOf(neighbour);
  const pair = `ip link add lan0 type veth peer name lan0 netns ${neighbour}`;
  const up = (address: string): string => `ip addr add ${address}/24 dev lan0 && ip link set lan0 up`;
  await output(inNetworkOf(engine.pid, ["sh", "-c", `${pair} && ${up(lan.engine)}`]));
  await output(inNetworkOf(neighbour, ["sh", "-c", up(lan.neighbour)]));
  return neighbour;
}

/** Waits until a process has left our network namespace and executes what it was started for. */
async function namespaceOf(pid: number): Promise<void> {
  for (let tries = 500; tries > 0; tries--) {
    if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "sleep") return;
    await sleep(10);
  }
  throw failure("internal", { message: `process ${pid} does not start` });
}

/** Starts a server in a process's network namespace and waits until it accepts connections. */
export async function serve(
  scratch: Scratch,
  pid: number,
  port: number,
  command: readonly string[],
): Promise<void> {
  scratch.start(`server ${pid} ${port}`, inNetworkOf(pid, command));
  const asked = port.toString(16).toUpperCase().padStart(4, "0");
  for (let tries = 500; tries > 0; tries--) {
    const sockets = ["tcp", "tcp6"].map((name) => join("/proc", String(pid), "net", name));
    const lines = sockets
      .filter((path) => existsSync(path))
      .flatMap((path) => readFileSync(path, "utf8").split("\n"));
    // st 0A is LISTEN (proc_net_tcp(5)).
    if (lines.some((line) => line.includes(`:${asked} `) && line.includes(" 0A "))) return;
    await sleep(10);
  }
  throw failure("internal", { message: `${command.join(" ")} does not listen on port ${port}` });
}
