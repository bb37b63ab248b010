/**
 * Which containers a list shows.
 * @module
 */
import { failure, messageOf } from "../errors/mod.ts";
import {
  NEVER,
  type ContainerRecord,
  type ContainerState,
  type MountPoint,
  type Status,
} from "./container.ts";
import type { Filters } from "./engine.ts";
import { badFilter, booleanFilter, checkFilters, exactMatch, labelsMatch, patternFilter } from "./filters.ts";
import { parseInteger, parseUnsigned } from "./strconv.ts";
import { parseTime } from "./time.ts";

/** What a filter needs to know beyond the container that it looks at. */
export interface FilterLookup {
  /** Finds a container by name or id; throws `no-such-container`. */
  container(name: string): ContainerRecord;
  /** The ID of the one container whose ID begins so; undefined: there is none, or more than one. */
  byPrefix(prefix: string): string | undefined;
  /** IDs of the image of this name and of those made from it; empty if there is none. */
  imageFamily(name: string): readonly string[];
  /** Names and IDs of the networks that the container is in. */
  networks(record: ContainerRecord): readonly { readonly name: string; readonly id: string }[];
  /** Its ports now: `8080/tcp`, those published on the host as `public`. */
  ports?(record: ContainerRecord): readonly { readonly private: string; readonly public?: string }[];
}

/** A compiled filter of containers. */
export interface ContainerFilter {
  /** A filter by status shows stopped containers too. */
  readonly stoppedToo: boolean;
  matches(record: ContainerRecord, state: ContainerState, name: string): boolean;
}

type Test = (record: ContainerRecord, state: ContainerState, name: string) => boolean;

const accepted = new Set([
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "isolation",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
]);
const statuses: readonly Status[] = [
  "created",
  "running",
  "paused",
  "restarting",
  "removing",
  "exited",
  "dead",
];
const healths = ["none", "starting", "healthy", "unhealthy"];

/** Compiles the filters of `GET /containers/json`. Throws Docker's texts for what isn't one. */
export function containerFilter(filters: Filters, lookup: FilterLookup): ContainerFilter {
  checkFilters(filters, accepted);
  checkValues(filters, "status", "state", statuses);
  checkValues(filters, "health", "health", healths);
  const tests = [
    ...identityTests(filters, lookup),
    ...stateTests(filters),
    ...partTests(filters, lookup),
    ...portTests(filters, lookup),
  ];
  return {
    stoppedToo: (filters.get("status") ?? []).length > 0,
    matches: (record, state, name) => tests.every((test) => test(record, state, name)),
  };
}

function checkValues(filters: Filters, name: string, noun: string, known: readonly string[]): void {
  for (const value of filters.get(name) ?? [])
    if (!known.includes(value))
      throw badFilter(
        name,
        value,
        `invalid value for ${noun} (${value}): must be one of ${known.join(", ")}`,
      );
}

function identityTests(filters: Filters, lookup: FilterLookup): Test[] {
  const tests: Test[] = [];
  const named = patternFilter(filters, "name");
  if (named !== undefined) tests.push((_, __, name) => named(`/${name}`) || named(name));
  const prefixes = filters.get("id") ?? [];
  if (prefixes.length > 0) {
    // What several begin with means none of them.
    const ids = new Set(prefixes.flatMap((prefix) => lookup.byPrefix(prefix) ?? []));
    tests.push(({ id }) => ids.has(id));
  }
  const [before] = (filters.get("before") ?? []).slice(-1);
  if (before !== undefined) {
    const limit = parseTime(lookup.container(before).created);
    tests.push(({ created }) => parseTime(created) < limit);
  }
  const [since] = (filters.get("since") ?? []).slice(-1);
  if (since !== undefined) {
    const limit = parseTime(lookup.container(since).created);
    tests.push(({ created }) => parseTime(created) > limit);
  }
  if (filters.has("label")) tests.push(({ config }) => labelsMatch(filters, "label", config.Labels));
  return tests;
}

function stateTests(filters: Filters): Test[] {
  const tests: Test[] = [];
  const codes = (filters.get("exited") ?? []).map((value) => {
    try {
      return Number(parseInteger(value));
    } catch (error) {
      throw badFilter("exited", value, messageOf(error));
    }
  });
  if (codes.length > 0)
    tests.push((_, { status, exitCode, startedAt }) => {
      const running = status === "running" || status === "paused" || status === "restarting";
      return !running && startedAt !== NEVER && codes.includes(exitCode);
    });
  if (filters.has("status")) tests.push((_, { status }) => exactMatch(filters, "status", status));
  if (filters.has("health"))
    tests.push((_, { health }) => exactMatch(filters, "health", health?.status ?? "none"));
  const task = booleanFilter(filters, "is-task");
  if (task === true) tests.push(() => false);
  return tests;
}

function partTests(filters: Filters, lookup: FilterLookup): Test[] {
  const tests: Test[] = [];
  const volumes = filters.get("volume");
  if (volumes !== undefined)
    tests.push(({ mounts }) => volumes.some((value) => mounts.some((mount) => isMountOf(mount, value))));
  const ancestors = filters.get("ancestor");
  if (ancestors !== undefined) {
    const images = new Set(ancestors.flatMap((name) => [...lookup.imageFamily(name)]));
    tests.push(({ imageId }) => images.has(imageId));
  }
  const networks = filters.get("network");
  if (networks !== undefined)
    tests.push((record) =>
      lookup.networks(record).some(({ name, id }) => networks.some((v) => v === name || id.startsWith(v))),
    );
  return tests;
}

function isMountOf({ name, source, destination }: MountPoint, value: string): boolean {
  return value === destination || value === (name ?? source);
}

function portTests(filters: Filters, lookup: FilterLookup): Test[] {
  const published = portsOf(filters, "publish");
  const exposed = portsOf(filters, "expose");
  if (published.size === 0 && exposed.size === 0) return [];
  return [
    (record) =>
      (lookup.ports?.(record) ?? []).some(
        (port) => exposed.has(port.private) || (port.public !== undefined && published.has(port.public)),
      ),
  ];
}

/** All ports of a filter's ranges, as `80/tcp`. */
function portsOf(filters: Filters, name: string): Set<string> {
  const ports = new Set<string>();
  for (const value of filters.get(name) ?? []) {
    const wrong = (message: string): never => {
      throw failure("invalid-parameter", { message });
    };
    if (value.includes(":")) wrong(`filter for '${name}' should not contain ':': ${value}`);
    const [range = "", named = ""] = value.split("/");
    const number = (text: string): number => {
      try {
        return parseUnsigned(text, 16);
      } catch (error) {
        return wrong(`error while looking up for ${name} ${value}: ${messageOf(error)}`);
      }
    };
    if (range === "") wrong(`error while looking up for ${name} ${value}: Empty string specified for ports.`);
    const [first = 0, last = first] = range.split("-").slice(0, 2).map(number);
    if (last < first)
      wrong(`error while looking up for ${name} ${value}: Invalid range specified for the Port: ${range}`);
    const protocol = named.toLowerCase() || "tcp";
    for (let port = first; port <= last; port++) ports.add(`${port}/${protocol}`);
  }
  return ports;
}
