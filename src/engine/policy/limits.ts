/**
 * The policies `no-privileged` and `no-host-mounts`: containers stay containers. What exists already with more is not
 * entered, joined or written into either: it may be somebody else's.
 * @module
 */
import { isFailure } from "../../errors/mod.ts";
import type { CreateBody, HostConfig } from "../container-types.ts";
import type { CreateRequest, Engine, Json } from "../engine.ts";
import type { NetworkBody } from "../network-types.ts";
import { withJoined } from "./joined.ts";
import { accessOf, accessOfExisting, hostVolume, type HostAccess } from "./host-access.ts";
import { denied, layer } from "./layer.ts";

/** Which of both are meant. */
export interface Limits {
  readonly noPrivileged: boolean;
  readonly noHostMounts: boolean;
}

const nameOf = { privilege: "no-privileged", mount: "no-host-mounts" } as const;

/** The engine for those who may use it, but not the host. */
export function limited(engine: Engine, limits: Limits): Engine {
  const guard = new HostGuard(engine, limits);
  const { containers, execs, files, networks, volumes } = engine;
  return layer(engine, limits.noPrivileged ? nameOf.privilege : nameOf.mount, {
    containers: {
      create: async (request) => containers.create(await guard.checkedCreate(request)),
      explain: async (request) => containers.explain(await guard.checkedCreate(request)),
      attach: async (name, options) => containers.attach(await guard.plain(name), options),
      list: "pass",
      inspect: "pass",
      start: "pass",
      stop: "pass",
      restart: "pass",
      kill: "pass",
      pause: "pass",
      unpause: "pass",
      rename: "pass",
      wait: "pass",
      remove: "pass",
      prune: "pass",
      top: "pass",
      stats: "pass",
      logs: "pass",
      detached: "pass",
      resize: "pass",
      update: async (name, body) => {
        const { Labels: _, Healthcheck: check, ...host } = body;
        for (const access of accessOf({ HostConfig: host })) guard.refuse(access);
        // A healthcheck is entered by the engine.
        const entered = check !== undefined && check !== null;
        return containers.update(entered ? await guard.plain(name) : name, body);
      },
    },
    execs: {
      create: async (container, body, check) => {
        if (body.Privileged === true) guard.refuse({ kind: "privilege", what: "exec --privileged" });
        return execs.create(await guard.plain(container), body, check);
      },
      start: async (id, options) => {
        const { ContainerID } = await execs.inspect(id);
        await guard.plain(String(ContainerID));
        return execs.start(id, options);
      },
      inspect: "pass",
      resize: "pass",
    },
    files: {
      // What is mounted into a container is read and written through it.
      stat: async (container, path) => files.stat(await guard.plain(container), path),
      read: async (container, path) => files.read(await guard.plain(container), path),
      extract: async (container, path, archive, options) =>
        files.extract(await guard.plain(container), path, archive, options),
      changes: "pass",
      export: "pass",
      commit: "pass",
    },
    images: {
      list: "pass",
      inspect: "pass",
      history: "pass",
      pull: "pass",
      search: "pass",
      distribution: "pass",
      push: "pass",
      import: "pass",
      load: "pass",
      save: "pass",
      tag: "pass",
      remove: "pass",
      prune: "pass",
    },
    volumes: {
      create: async (body) => {
        const what = hostVolume(body.Driver, body.DriverOpts);
        if (what !== undefined) guard.refuse({ kind: "mount", what });
        return volumes.create(body);
      },
      list: "pass",
      inspect: "pass",
      remove: "pass",
      prune: "pass",
    },
    networks: {
      create: async (body) => {
        guard.checkNetwork(body);
        return networks.create(body);
      },
      connect: async (name, body) =>
        networks.connect(name, { ...body, Container: await guard.plain(body.Container ?? "") }),
      list: "pass",
      inspect: "pass",
      remove: "pass",
      disconnect: "pass",
      prune: "pass",
    },
    events: { subscribe: "pass" },
    system: { info: "pass", version: "pass", df: "pass", auth: "pass", shortage: "pass" },
  });
}

/** Looks at requests and at what they name. */
class HostGuard {
  readonly #engine: Engine;
  readonly #limits: Limits;

  constructor(engine: Engine, limits: Limits) {
    this.#engine = engine;
    this.#limits = limits;
  }

  /** Refuses it, if one of the policies is about it. */
  refuse({ kind, what }: HostAccess): void {
    const { noPrivileged, noHostMounts } = this.#limits;
    if (kind === "privilege" ? noPrivileged : noHostMounts) throw denied(nameOf[kind], what);
  }

  /** The request, if it asks for nothing of the host; with ids for names, which may change hands meanwhile. */
  async checkedCreate(request: CreateRequest): Promise<CreateRequest> {
    const { body } = request;
    for (const access of accessOf(body)) this.refuse(access);
    const host = body.HostConfig ?? {};
    for (const name of networksOf(body)) await this.#checkNetworkUse(name);
    for (const name of volumesOf(host)) await this.#checkVolumeUse(name);
    return withJoined(request, (name) => this.plain(name));
  }

  /** Whether a network is made of the host's: interfaces of it, or a bridge that exists. */
  checkNetwork({ Driver, Options }: NetworkBody): void {
    if (Driver !== undefined && !["", "default", "bridge"].includes(Driver)) {
      this.refuse({ kind: "privilege", what: `networks with the driver ${Driver}` });
    }
    const bridge = "com.docker.network.bridge.name";
    if (Options !== null && Options !== undefined && bridge in Options) {
      this.refuse({ kind: "privilege", what: `the option ${bridge}` });
    }
  }

  /**
   * The id of a container, unless it has more than a plain one. One that isn't there keeps its name, and is the
   * engine's to refuse.
   */
  async plain(name: string): Promise<string> {
    const found = await presentOrNone(this.#engine.containers.inspect(name, false));
    if (found === undefined) return name;
    const refuseOf = ({ kind, what }: HostAccess): void =>
      this.refuse({ kind, what: `this of the container ${name}, which has ${what}` });
    const host = found["HostConfig"] as Partial<HostConfig>;
    for (const access of accessOfExisting(host)) refuseOf(access);
    for (const { Type, Source } of found["Mounts"] as readonly { Type: string; Source: string }[]) {
      if (Type === "bind") refuseOf({ kind: "mount", what: `a bind of ${Source}` });
    }
    for (const volume of volumesOf(host)) await this.#checkVolumeUse(volume);
    for (const network of networksOf({ HostConfig: host })) await this.#checkNetworkUse(network);
    return String(found["Id"]);
  }

  async #checkNetworkUse(name: string): Promise<void> {
    const found = await presentOrNone(this.#engine.networks.inspect(name, { verbose: false, scope: "" }));
    if (found?.["Driver"] === "host") this.refuse({ kind: "privilege", what: "--network=host" });
  }

  async #checkVolumeUse(name: string): Promise<void> {
    const found = await presentOrNone(this.#engine.volumes.inspect(name));
    if (found === undefined) return;
    const what = hostVolume(String(found["Driver"]), found["Options"] as Record<string, string> | null);
    if (what !== undefined) this.refuse({ kind: "mount", what: `${name}: ${what}` });
  }
}

/** Names of networks that a body speaks of, but for those that every engine has. */
export function networksOf({ HostConfig, NetworkingConfig }: CreateBody): readonly string[] {
  const mode = HostConfig?.NetworkMode ?? "";
  const usual = ["", "default", "bridge", "none"];
  const named = [mode, ...Object.keys(NetworkingConfig?.EndpointsConfig ?? {})];
  return [...new Set(named)].filter((name) => !usual.includes(name) && !name.startsWith("container:"));
}

/** Names of volumes that a host configuration speaks of. */
export function volumesOf({ Binds, Mounts }: Partial<HostConfig>): readonly string[] {
  const bound = (Binds ?? []).map((bind) => bind.split(":")).filter((parts) => parts.length > 1);
  const mounted = (Mounts ?? []).filter(({ Type, Source }) => Type === "volume" && (Source ?? "") !== "");
  const names = [...bound.map(([source = ""]) => source), ...mounted.map(({ Source = "" }) => Source)];
  return [...new Set(names)].filter((name) => !/[/~]/.test(name));
}

async function presentOrNone(found: Promise<Json>): Promise<Json | undefined> {
  try {
    return await found;
  } catch (error) {
    for (const code of ["no-such-container", "no-such-network", "no-such-volume"] as const)
      if (isFailure(error, code)) return undefined;
    throw error;
  }
}
