/**
 * Networks. Only those that every engine has: `host` and `none`.
 * @module
 */
import { randomBytes } from "node:crypto";
import { failure } from "../errors/mod.ts";
import type { StateDatabase } from "./database.ts";
import type { Filters, Json, Networks } from "./engine.ts";
import { checkFilters, exactMatch, labelsMatch, patternFilter } from "./filters.ts";
import { formatTime, now } from "./time.ts";

interface PredefinedNetwork {
  readonly name: string;
  readonly driver: string;
  readonly id: string;
  readonly created: string;
}

const accepted = new Set(["dangling", "driver", "id", "label", "name", "scope", "type"]);
const predefined = [
  { name: "none", driver: "null" },
  { name: "host", driver: "host" },
];

/** The engine's networks; their IDs are random, and stay. */
export class NetworkService implements Networks {
  readonly #networks: readonly PredefinedNetwork[];

  constructor(database: StateDatabase) {
    this.#networks = predefined.map(({ name, driver }) => {
      const key = `network.${name}`;
      const known = database.setting(key)?.split(" ");
      const [id = randomBytes(32).toString("hex"), created = formatTime(now())] = known ?? [];
      if (known === undefined) database.setSetting(key, `${id} ${created}`);
      return { name, driver, id, created };
    });
  }

  /** The ID of the network of this name; empty if it is none of ours (`container:x`). */
  id(name: string): string {
    return this.#networks.find((network) => network.name === name)?.id ?? "";
  }

  async list(filters: Filters): Promise<Json[]> {
    checkFilters(filters, accepted);
    const types = filters.get("type") ?? [];
    const unknown = types.find((type) => type !== "builtin" && type !== "custom");
    if (unknown !== undefined) throw failure("internal", { message: `invalid filter: 'type'='${unknown}'` });
    // Predefined networks are never dangling.
    const hidden = danglingFilter(filters) === true || (types.length > 0 && types[0] !== "builtin");
    const named = patternFilter(filters, "name");
    const identified = patternFilter(filters, "id");
    return this.#networks
      .filter(
        ({ name, id, driver }) =>
          !hidden &&
          named?.(name) !== false &&
          identified?.(id) !== false &&
          exactMatch(filters, "driver", driver) &&
          exactMatch(filters, "scope", "local") &&
          labelsMatch(filters, "label", {}),
      )
      .map(networkJson);
  }

  async inspect(name: string, { scope }: { scope: string }): Promise<Json> {
    if (scope !== "" && scope !== "local")
      throw failure("not-found", { message: `network ${name} not found` });
    const exact = this.#networks.find((network) => network.name === name || network.id === name);
    if (exact !== undefined) return networkJson(exact);
    const matches = /^[0-9a-f]+$/.test(name) ? this.#networks.filter(({ id }) => id.startsWith(name)) : [];
    if (matches.length > 1) {
      const message = `network ${name} is ambiguous (${matches.length} matches found based on ID prefix)`;
      throw failure("invalid-parameter", { message });
    }
    if (matches[0] === undefined) throw failure("not-found", { message: `network ${name} not found` });
    return networkJson(matches[0]);
  }

  create(): Promise<{ Id: string; Warning: string }> {
    return unsupported("creating a network");
  }

  remove(): Promise<void> {
    return unsupported("removing a network");
  }

  connect(): Promise<void> {
    return unsupported("connecting a container to a network");
  }

  disconnect(): Promise<void> {
    return unsupported("disconnecting a container from a network");
  }

  prune(): Promise<{ NetworksDeleted: string[] | null }> {
    return unsupported("pruning networks");
  }
}

async function unsupported(what: string): Promise<never> {
  throw failure("not-implemented", { what });
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

function networkJson({ name, id, created, driver }: PredefinedNetwork): Json {
  return {
    Name: name,
    Id: id,
    Created: created,
    Scope: "local",
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: "default", Options: null, Config: null },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: {},
    Options: {},
    Labels: {},
  };
}
