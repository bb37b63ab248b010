/**
 * The policy `label`: only objects with this label are there, and what is made gets it. Images are everybody's: they are
 * seen, pulled and run by all, but named and removed only by those whose label they have.
 * @module
 */
import { failure, isFailure } from "../../errors/mod.ts";
import type { MountRequest } from "../container-types.ts";
import type { CreateRequest, Engine, Filters, Json } from "../engine.ts";
import { withJoined } from "./joined.ts";
import { denied, layer } from "./layer.ts";
import { networksOf, volumesOf } from "./limits.ts";

type Labels = Readonly<Record<string, string>> | null | undefined;

/** Networks that every engine has; everybody may use them, nobody sees who else does. */
const predefined: ReadonlySet<string> = new Set(["bridge", "host", "none"]);

/** The engine for those whose objects have the label `key=value`. */
export function scoped(engine: Engine, label: string): Engine {
  const scope = new Scope(engine, label);
  const { containers, execs, files, images, volumes, networks, events } = engine;
  return layer(engine, `label ${label}`, {
    containers: {
      create: async (request) => containers.create(await scope.inhabit(request, true)),
      explain: async (request) => containers.explain(await scope.inhabit(request, false)),
      list: (options) => containers.list({ ...options, filters: scope.narrow(options.filters) }),
      inspect: async (name, size) => scope.ownOrNone(await containers.inspect(name, size), name),
      start: async (name) => containers.start(await scope.container(name)),
      stop: async (name, options) => containers.stop(await scope.container(name), options),
      restart: async (name, options) => containers.restart(await scope.container(name), options),
      kill: async (name, signal) => containers.kill(await scope.container(name), signal),
      pause: async (name) => containers.pause(await scope.container(name)),
      unpause: async (name) => containers.unpause(await scope.container(name)),
      rename: async (name, to) => containers.rename(await scope.container(name), to),
      wait: async (name, condition) => containers.wait(await scope.container(name), condition),
      remove: async (name, options) => containers.remove(await scope.container(name), options),
      prune: (filters) => containers.prune(scope.narrow(filters)),
      top: async (name, words) => containers.top(await scope.container(name), words),
      stats: async (name, options) => containers.stats(await scope.container(name), options),
      logs: async (name, options) => containers.logs(await scope.container(name), options),
      attach: async (name, options) => containers.attach(await scope.container(name), options),
      detached: (name) => void scope.container(name).then((id) => containers.detached(id), ignore),
      resize: async (name, rows, columns) => containers.resize(await scope.container(name), rows, columns),
      update: async (name, body) => {
        scope.keepsLabel(body.Labels);
        return containers.update(await scope.container(name), body);
      },
    },
    execs: {
      create: async (container, body, check) => execs.create(await scope.container(container), body, check),
      start: async (id, options) => execs.start(await scope.exec(id), options),
      inspect: async (id) => execs.inspect(await scope.exec(id)),
      resize: async (id, rows, columns) => execs.resize(await scope.exec(id), rows, columns),
    },
    files: {
      stat: async (name, path) => files.stat(await scope.container(name), path),
      read: async (name, path) => files.read(await scope.container(name), path),
      extract: async (name, path, archive, options) =>
        files.extract(await scope.container(name), path, archive, options),
      changes: async (name) => files.changes(await scope.container(name)),
      export: async (name) => files.export(await scope.container(name)),
      commit: async (name, request) => {
        await scope.mayName(request.repository, request.tag);
        const { config } = request;
        const Labels = config?.Labels;
        const own = Labels === undefined ? {} : { config: { ...config, Labels: scope.labelled(Labels) } };
        return files.commit(await scope.container(name), { ...request, ...own });
      },
    },
    images: {
      list: "pass",
      inspect: "pass",
      history: "pass",
      pull: "pass",
      search: "pass",
      distribution: "pass",
      save: "pass",
      tag: async (name, repository, tag) => {
        await scope.mayName(repository, tag);
        return images.tag(await scope.image(name), repository, tag);
      },
      remove: async (name, options) => {
        await scope.image(name);
        return images.remove(name, options);
      },
      prune: (filters) => images.prune(scope.narrow(filters)),
    },
    volumes: {
      list: (filters) => volumes.list(scope.narrow(filters)),
      create: async (body) => {
        // Asking for one that exists answers with it, whosever it is.
        if (body.Name !== undefined && body.Name !== "") await scope.volume(body.Name, () => undefined);
        return volumes.create({ ...body, Labels: scope.labelled(body.Labels) });
      },
      inspect: async (name) => scope.volume(name),
      remove: async (name, force) => {
        await scope.volume(name, force ? (): undefined => undefined : undefined);
        return volumes.remove(name, force);
      },
      prune: (filters) => volumes.prune(scope.narrow(filters)),
    },
    networks: {
      list: (filters) => networks.list(scope.narrow(filters)),
      inspect: async (name, options) => scope.network(await networks.inspect(name, options), name),
      create: (body) => networks.create({ ...body, Labels: scope.labelled(body.Labels) }),
      remove: async (name) => networks.remove(await scope.networkId(name, false)),
      connect: async (name, body) => {
        const Container = await scope.container(body.Container ?? "");
        return networks.connect(await scope.networkId(name, true), { ...body, Container });
      },
      disconnect: async (name, body) => {
        const Container = await scope.container(body.Container ?? "");
        return networks.disconnect(await scope.networkId(name, true), { ...body, Container });
      },
      prune: (filters) => networks.prune(scope.narrow(filters)),
    },
    events: {
      subscribe: (options) => events.subscribe({ ...options, filters: scope.narrow(options.filters) }),
    },
    system: { info: "pass", version: "pass", auth: "pass", shortage: "pass" },
  });
}

function ignore(): void {
  // It is gone, or was never there for this client: there is nobody to tell.
}

/** Finds out whose an object is, and marks new ones. */
class Scope {
  readonly #engine: Engine;
  readonly #label: string;
  readonly #key: string;
  readonly #value: string;

  constructor(engine: Engine, label: string) {
    this.#engine = engine;
    this.#label = label;
    const at = label.indexOf("=");
    [this.#key, this.#value] = [label.slice(0, at), label.slice(at + 1)];
  }

  /** Filters that let only objects with the label through, beside what they said. */
  narrow(filters: Filters): Filters {
    return new Map([...filters, ["label", [...(filters.get("label") ?? []), this.#label]]]);
  }

  /** Labels of something new. Throws `forbidden` if it is to have another value of ours. */
  labelled(labels: Labels): Readonly<Record<string, string>> {
    const asked = labels?.[this.#key];
    if (asked !== undefined && asked !== this.#value) {
      throw denied(`label ${this.#label}`, `the label ${this.#key}=${asked}`);
    }
    return { ...labels, [this.#key]: this.#value };
  }

  /** Throws `forbidden` if our label is to go, or to have another value. */
  keepsLabel(labels: Readonly<Record<string, string | null>> | null | undefined): void {
    const asked = labels?.[this.#key];
    if (asked !== undefined && asked !== this.#value) {
      throw denied(`label ${this.#label}`, `changing the label ${this.#key}`);
    }
  }

  #isOwn(labels: Labels): boolean {
    return labels?.[this.#key] === this.#value;
  }

  /** An inspected container, if it is one of ours: others don't exist here. */
  ownOrNone(found: Json, name: string): Json {
    const { Labels } = found["Config"] as { readonly Labels: Labels };
    if (!this.#isOwn(Labels)) throw failure("no-such-container", { name });
    return found;
  }

  /** The id of one of our containers. */
  async container(name: string): Promise<string> {
    const found = this.ownOrNone(await this.#engine.containers.inspect(name, false), name);
    return String(found["Id"]);
  }

  /** The id of an exec in one of our containers. */
  async exec(id: string): Promise<string> {
    const { ContainerID } = await this.#engine.execs.inspect(id);
    try {
      await this.container(String(ContainerID));
    } catch (error) {
      if (isFailure(error, "no-such-container")) throw failure("no-such-exec", { id });
      throw error;
    }
    return id;
  }

  /** The id of an image that has the label. */
  async image(name: string): Promise<string> {
    const found = await this.#engine.images.inspect(name);
    const { Labels } = (found["Config"] ?? {}) as { readonly Labels?: Labels };
    if (!this.#isOwn(Labels))
      throw denied(`label ${this.#label}`, `this of the image ${name}, which everybody uses`);
    return String(found["Id"]);
  }

  /** Refuses a name that an image of somebody else has: it would be another one for them. */
  async mayName(repository: string | undefined, tag: string | undefined): Promise<void> {
    if (repository === undefined || repository === "") return;
    const name = tag === undefined || tag === "" ? repository : `${repository}:${tag}`;
    try {
      await this.image(name);
    } catch (error) {
      if (!isFailure(error, "no-such-image")) throw error;
    }
  }

  /** One of our volumes; `absent` is called if there is none of this name, and may throw something else. */
  async volume(name: string, absent?: () => undefined): Promise<Json> {
    let found: Json;
    try {
      found = await this.#engine.volumes.inspect(name);
    } catch (error) {
      if (absent !== undefined && isFailure(error, "no-such-volume")) return absent() ?? {};
      throw error;
    }
    if (this.#isOwn(found["Labels"] as Labels)) return found;
    if (absent === undefined) throw failure("no-such-volume", { name });
    throw denied(`label ${this.#label}`, `the volume ${name}, which is somebody else's`);
  }

  /** An inspected network, if it is ours; of a predefined one without its inhabitants. */
  network(found: Json, name: string): Json {
    if (this.#isOwn(found["Labels"] as Labels)) return found;
    if (predefined.has(String(found["Name"]))) return { ...found, Containers: {} };
    throw failure("no-such-network", { name });
  }

  /** The id of one of our networks, or with `shared` of a predefined one. */
  async networkId(name: string, shared: boolean): Promise<string> {
    const found = await this.#engine.networks.inspect(name, { verbose: false, scope: "" });
    if (!shared && !this.#isOwn(found["Labels"] as Labels)) throw failure("no-such-network", { name });
    return String(this.network(found, name)["Id"]);
  }

  /** A request for a container that is ours and uses only what is. With `make`, its new volumes are made, ours too. */
  async inhabit(request: CreateRequest, make: boolean): Promise<CreateRequest> {
    const own = await withJoined(request, (name) => this.container(name));
    const { body } = own;
    const host = body.HostConfig ?? {};
    for (const link of host.Links ?? []) await this.container(link.split(":", 1)[0] ?? "");
    for (const { Links } of Object.values(body.NetworkingConfig?.EndpointsConfig ?? {}).map((e) => e ?? {})) {
      for (const link of Links ?? []) await this.container(link.split(":", 1)[0] ?? "");
    }
    for (const name of networksOf(body)) await this.networkId(name, true);
    for (const name of volumesOf(host)) {
      const missing = await this.#isMissing(name);
      if (missing && make) await this.#engine.volumes.create(this.#newVolume(name, host.Mounts ?? []));
    }
    return { ...own, body: { ...body, Labels: this.labelled(body.Labels) } };
  }

  async #isMissing(name: string): Promise<boolean> {
    let missing = false;
    await this.volume(name, () => void (missing = true));
    return missing;
  }

  /** A volume as its mount asks for it. */
  #newVolume(Name: string, mounts: readonly MountRequest[]): Parameters<Engine["volumes"]["create"]>[0] {
    const options = mounts.find(({ Type, Source }) => Type === "volume" && Source === Name)?.VolumeOptions;
    const { Name: Driver, Options: DriverOpts } = options?.DriverConfig ?? {};
    return {
      Name,
      Labels: this.labelled(options?.Labels),
      ...(Driver === undefined ? {} : { Driver }),
      ...(DriverOpts === undefined ? {} : { DriverOpts }),
    };
  }
}
