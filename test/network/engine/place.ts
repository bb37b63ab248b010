/**
 * A place where an engine's networks are tried with real packets: the engine's host, a neighbour on the host's LAN, and
 * agents in the network namespaces of containers.
 * @module
 */
import { ask, TestEngine, type Answer } from "../../support/engine.ts";
import { importBusybox } from "../../support/image.ts";
import { NetworkHost } from "../world.ts";
import type { Peer } from "../../support/peer.ts";

/** Addresses of the LAN. */
export const LAN = {
  host: "10.9.0.1",
  host6: "fd09::1",
  neighbour: "10.9.0.2",
  neighbour6: "fd09::2",
} as const;

/** What `POST /containers/create` takes, as far as tests of networks need it. */
export interface ContainerBody {
  readonly Cmd?: readonly string[];
  readonly Hostname?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly HostConfig?: Readonly<Record<string, unknown>>;
  readonly NetworkingConfig?: Readonly<Record<string, unknown>>;
}

/** An engine, ours or dockerd, its host and its neighbours. */
export class NetworkPlace implements AsyncDisposable {
  readonly engine: TestEngine | Peer;
  readonly host: NetworkHost;
  readonly neighbour: NetworkHost;
  readonly #agents: NetworkHost[] = [];

  private constructor(engine: TestEngine | Peer, host: NetworkHost, neighbour: NetworkHost) {
    this.engine = engine;
    this.host = host;
    this.neighbour = neighbour;
    this.#agents.push(host, neighbour);
  }

  /** Puts an engine into its place: busybox imported, the neighbour connected by `eth0` on both sides. */
  static async around(engine: TestEngine | Peer): Promise<NetworkPlace> {
    const [host, neighbour] = await Promise.all([
      new NetworkHost(engine.namespace).ready(),
      new NetworkHost().ready(),
    ]);
    const place = new NetworkPlace(engine, host, neighbour);
    try {
      host.cable(
        `eth0 ${LAN.host}/24 ${LAN.host6}/64`,
        neighbour,
        `eth0 ${LAN.neighbour}/24 ${LAN.neighbour6}/64`,
      );
      await importBusybox(engine);
    } catch (error) {
      await place[Symbol.asyncDispose]();
      throw error;
    }
    return place;
  }

  /** The same around a new engine of ours. */
  static async start(...flags: readonly string[]): Promise<NetworkPlace> {
    return NetworkPlace.around(await TestEngine.start(...flags));
  }

  /** A request that must succeed; what it answered, parsed. */
  async call<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.try(method, path, body);
    const text = answer.body.toString("utf8");
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** A request that may fail. */
  async try(method: string, path: string, body?: object): Promise<Answer> {
    return ask(this.engine.socket, method, path, body);
  }

  /** Makes a bridge network, unless `more` says otherwise. */
  async network(name: string, more: object = {}): Promise<string> {
    const body = { Name: name, Driver: "bridge", ...more };
    return (await this.call<{ Id: string }>("POST", "/networks/create", body)).Id;
  }

  /** Makes and starts a container that sleeps; its id. */
  async container(name: string, body: ContainerBody = {}): Promise<string> {
    const whole = { Image: "busybox", Cmd: ["sleep", "1000"], ...body };
    const { Id } = await this.call<{ Id: string }>("POST", `/containers/create?name=${name}`, whole);
    await this.call("POST", `/containers/${Id}/start`);
    return Id;
  }

  /** An agent in the network namespace of a running container. */
  async inside(container: string): Promise<NetworkHost> {
    const { State } = await this.call<{ State: { Pid: number } }>("GET", `/containers/${container}/json`);
    const agent = await new NetworkHost(State.Pid).ready();
    this.#agents.push(agent);
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) agent[Symbol.dispose]();
    await this.engine[Symbol.asyncDispose]();
  }
}
