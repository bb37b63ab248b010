/**
 * Networks: making, finding and removing them. Who is on them is the business of endpoints.ts and connecting.ts.
 * @module
 */
import { randomBytes } from "node:crypto";
import { failure, isFailure, messageOf } from "../errors/mod.ts";
import { KernelError } from "../kernel/mod.ts";
import { draftNetwork, isForeign, isPredefined, type NetworkRecord } from "../network/mod.ts";
import { connectContainer, disconnectContainer } from "./connecting.ts";
import type { Container } from "./container-store.ts";
import type { Filters, Json, Networks } from "./engine.ts";
import {
  checkFilters,
  exactMatch,
  labelsMatch,
  patternFilter,
  pruneLabelsMatch,
  untilFilter,
} from "./filters.ts";
import { publishNetwork } from "./network-events.ts";
import { networkJson } from "./network-json.ts";
import type { ConnectBody, DisconnectBody, NetworkBody } from "./network-types.ts";
import type { Services } from "./services.ts";
import { formatTime, now, parseTime } from "./time.ts";

const accepted = new Set(["dangling", "driver", "id", "label", "name", "scope", "type"]);

/** The engine's networks. */
export class NetworkService implements Networks {
  readonly #services: Services;
  /** Networks that have a name already while what they are on the host is still being made, by id. */
  readonly #underway = new Map<string, Promise<void>>();

  constructor(services: Services) {
    this.#services = services;
  }

  async list(filters: Filters): Promise<Json[]> {
    checkFilters(filters, accepted);
    const types = filters.get("type") ?? [];
    const unknown = types.find((type) => type !== "builtin" && type !== "custom");
    if (unknown !== undefined)
      throw failure("invalid-parameter", { message: `invalid filter: 'type'='${unknown}'` });
    const dangling = danglingFilter(filters);
    const named = patternFilter(filters, "name");
    const identified = patternFilter(filters, "id");
    return this.#services.networks.store
      .all()
      .filter((network) => {
        const { name, id, driver, labels } = network;
        const builtIn = isPredefined(name);
        return (
          (dangling === undefined || dangling === (!builtIn && !this.#isUsed(network))) &&
          (types.length === 0 || types.includes(builtIn ? "builtin" : "custom")) &&
          named?.(name) !== false &&
          identified?.(id) !== false &&
          exactMatch(filters, "driver", driver) &&
          exactMatch(filters, "scope", network.scope ?? "local") &&
          labelsMatch(filters, "label", labels)
        );
      })
      .map((network) => networkJson(network, []));
  }

  /** Whether a container that runs is on it. */
  #isUsed({ id }: NetworkRecord): boolean {
    return this.#services.networks.store.countOn(id) > 0;
  }

  async inspect(name: string, { scope }: { verbose: boolean; scope: string }): Promise<Json> {
    const { networks, store } = this.#services;
    const network = networks.store.find(name);
    if (scope !== "" && scope !== (network.scope ?? "local")) throw failure("no-such-network", { name });
    const places = networks.store.endpointsOn(network.id).flatMap((endpoint) => {
      const container = store.byId(endpoint.container);
      return container === undefined ? [] : [{ endpoint, name: container.name }];
    });
    return networkJson(network, places);
  }

  async create(body: NetworkBody): Promise<{ Id: string; Warning: string }> {
    const { networks } = this.#services;
    const around = await networks.surroundings();
    const foreign = await networks.foreign.draft(body);
    let record: NetworkRecord, warning: string;
    try {
      const draft = draftNetwork(body, {
        ...around,
        ...(foreign.driver === undefined ? {} : { drivers: new Set([...around.drivers, foreign.driver]) }),
        ...(foreign.given === undefined ? {} : { given: foreign.given }),
        id: randomBytes(32).toString("hex"),
        created: formatTime(now()),
      });
      record = { ...draft.record, ...foreign.record };
      ({ warning } = draft);
      networks.store.put(record);
    } catch (error) {
      await networks.foreign.cancel(body, foreign);
      throw error;
    }
    const done = Promise.withResolvers<void>();
    this.#underway.set(record.id, done.promise);
    try {
      if (!record.configOnly) await networks.host.up(record);
      if (!record.configOnly) await networks.foreign.up(record);
    } catch (error) {
      networks.store.delete(record);
      networks.addresses.forget(record);
      if (!record.configOnly) await this.#clear(record);
      networks.store.forget(record);
      await networks.foreign.cancel(body, foreign);
      if (isForeign(record)) throw error;
      const context = error instanceof KernelError ? `cannot create network ${record.name}: ` : "";
      throw failure("internal", { message: `${context}${messageOf(error)}` }, error);
    } finally {
      this.#underway.delete(record.id);
      done.resolve();
    }
    if (!record.configOnly) {
      const { id, name, internal } = record;
      networks.resolver.apply({ op: "network", network: { id, name, internal } });
    }
    publishNetwork(this.#services, "create", record);
    return { Id: record.id, Warning: warning };
  }

  /** The network of this name, once it is whole: who made it may not have been answered yet. */
  async #find(name: string): Promise<NetworkRecord> {
    const { store } = this.#services.networks;
    await this.#underway.get(store.find(name).id);
    return store.find(name);
  }

  async remove(name: string): Promise<void> {
    const { networks } = this.#services;
    const network = await this.#find(name);
    if (isPredefined(network.name)) {
      throw failure("forbidden", {
        message: `${network.name} is a pre-defined network and cannot be removed`,
      });
    }
    const [user] = networks.store.endpointsOn(network.id);
    if (user !== undefined) throw this.#inUse(network);
    const dependent = networks.store.all().find(({ configFrom }) => configFrom === network.name);
    if (network.configOnly && dependent !== undefined) {
      throw failure("forbidden", {
        message: `error while removing network: configuration network ${JSON.stringify(network.name)} is in use`,
      });
    }
    // The name is free at once, and nobody can come onto it any more.
    networks.store.delete(network);
    networks.addresses.forget(network);
    networks.resolver.apply({ op: "network-gone", id: network.id });
    if (!network.configOnly) {
      await networks.host.down(network);
      await networks.foreign.down(network);
    }
    networks.store.forget(network);
    publishNetwork(this.#services, "destroy", network);
  }

  /** Takes away what is left of networks that an earlier engine was about to remove. Nobody waits for plugins. */
  async finishRemovals(): Promise<void> {
    const { networks } = this.#services;
    for (const network of networks.store.takeRemoved()) {
      if (!network.configOnly) {
        await this.#clear(network);
        void networks.foreign.down(network);
      }
      networks.store.forget(network);
    }
  }

  /** Takes away the links of a network that never was, or isn't any more. */
  async #clear(network: NetworkRecord): Promise<void> {
    const { networks, log } = this.#services;
    await networks.host.down(network).catch((error: unknown) => {
      log.warn(`remove what is left of network ${network.name}: ${messageOf(error)}`);
    });
  }

  #inUse(network: NetworkRecord): Error {
    const { networks, store } = this.#services;
    const users = networks.store
      .endpointsOn(network.id)
      .map(({ id, container }) => `name:"${store.byId(container)?.name ?? ""}" id:"${id.slice(0, 12)}"`);
    const message = `error while removing network: network ${network.name} has active endpoints (${users.join(", ")})`;
    return failure("forbidden", { message });
  }

  async connect(name: string, body: ConnectBody): Promise<void> {
    const wanted = nameOf(body);
    const network = await this.#find(name);
    const container = this.#services.store.find(wanted);
    await container.lock.run(() =>
      connectContainer(this.#services, container, network, body.EndpointConfig ?? {}),
    );
  }

  async disconnect(name: string, body: DisconnectBody): Promise<void> {
    const wanted = nameOf(body);
    const { store } = this.#services;
    const network = this.#services.networks.store.find(name);
    let container: Container;
    try {
      container = store.find(wanted);
    } catch (error) {
      // By force it may be one that is gone: then there is no endpoint of it.
      if (body.Force !== true || !isFailure(error, "no-such-container")) throw error;
      throw failure("not-found", { message: `endpoint ${wanted} not found` }, error);
    }
    await container.lock.run(() => disconnectContainer(this.#services, container, network));
  }

  async prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }> {
    checkFilters(filters, new Set(["until", "label", "label!"]));
    const until = untilFilter(filters, now());
    const deleted: string[] = [];
    for (const network of this.#services.networks.store.all()) {
      if (isPredefined(network.name) || network.configOnly || this.#isUsed(network)) continue;
      if (!pruneLabelsMatch(filters, network.labels)) continue;
      if (until !== undefined && parseTime(network.created) >= until) continue;
      try {
        await this.remove(network.id);
        deleted.push(network.name);
      } catch (error) {
        this.#services.log.warn(`prune network ${network.name}: ${messageOf(error)}`);
      }
    }
    const Attributes = { reclaimed: "0" };
    this.#services.events.publish({ Type: "network", Action: "prune", Actor: { ID: "", Attributes } });
    return { NetworksDeleted: deleted.length === 0 ? null : deleted };
  }
}

function danglingFilter(filters: Filters): boolean | undefined {
  const values = filters.get("dangling") ?? [];
  const wrong = (message: string): never => {
    throw failure("invalid-parameter", { message });
  };
  if (values.length > 1) wrong('got more than one value for filter key "dangling"');
  if (values[0] === undefined) return undefined;
  if (values[0] === "1" || values[0] === "true") return true;
  if (values[0] === "0" || values[0] === "false") return false;
  return wrong(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
}

/** Throws Docker's text if no container is named. */
function nameOf({ Container: name = "" }: ConnectBody | DisconnectBody): string {
  if (name === "") throw failure("invalid-parameter", { message: 'invalid name or ID supplied: ""' });
  return name;
}
