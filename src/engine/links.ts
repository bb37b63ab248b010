/**
 * Links of the default bridge (`--link`): one container knows another by an alias, by variables and by a line in its
 * /etc/hosts. On networks of users links are names that the resolver answers (container-names.ts).
 * @module
 */
import { failure, messageOf } from "../errors/mod.ts";
import { readBridgeOptions, type FirewallLink, type Protocol } from "../network/mod.ts";
import type { Container, ContainerStore } from "./container-store.ts";
import type { ContainerLink } from "./container.ts";
import type { HostConfig } from "./container-types.ts";
import { placesOf, type Place } from "./endpoints.ts";
import type { Services } from "./services.ts";

/** Name of the network whose links these are. */
const BRIDGE = "bridge";

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

/** Reads `name:alias`, or what `inspect` shows: `/name:/container/alias`. */
export function parseLink(text: string): { readonly name: string; readonly alias: string } {
  if (text === "") refuse("empty string specified for links");
  const parts = text.split(":");
  const [name = "", alias = name] = parts;
  if (parts.length > 2) refuse(`bad format for links: ${text}`);
  if (name.startsWith("/") && parts.length === 2)
    return { name: name.slice(1), alias: alias.slice(alias.lastIndexOf("/") + 1) };
  return { name, alias };
}

/** The links that a container is made with; of several with one alias the first counts, as in Docker. */
export function readLinks(store: ContainerStore, { Links }: Pick<HostConfig, "Links">): ContainerLink[] {
  const links = new Map<string, ContainerLink>();
  for (const text of Links ?? []) {
    const { name, alias } = parseLink(text);
    const target = linkable(store, name);
    if (!links.has(alias)) links.set(alias, { id: target.id, name: target.name, alias });
  }
  return [...links.values()];
}

/** The container of that name, or the one whose network it has. */
function linkable(store: ContainerStore, name: string): Container {
  let target: Container;
  try {
    target = store.find(name);
    for (let mode = modeOf(target); mode.startsWith("container:"); mode = modeOf(target))
      target = store.find(mode.slice("container:".length));
  } catch (error) {
    // Not as 404: clients would take it for a missing image and pull.
    const message = `could not get container for ${name}: ${messageOf(error)}`;
    throw failure("invalid-parameter", { message }, error);
  }
  if (modeOf(target) === "host")
    refuse(
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  return target;
}

const modeOf = ({ record }: Container): string => record.hostConfig.NetworkMode;

/** What `inspect` shows: `/db:/web/alias`. */
export function linksJson(store: ContainerStore, container: Container): string[] | null {
  const { links = [] } = container.state;
  if (links.length === 0) return container.record.hostConfig.Links as string[] | null;
  return links.map((link) => `/${nameOf(store, link)}:/${container.name}/${link.alias}`);
}

const nameOf = (store: ContainerStore, { id, name }: ContainerLink): string => store.byId(id)?.name ?? name;

/** A container's names: its own, and what others call it, as `/web/alias`. */
export function allNames(store: ContainerStore, { id, name }: Container): string[] {
  const parents = parentsOf(store, id);
  if (parents.length === 0) return [`/${name}`];
  const aliases = parents.map(({ parent, link }) => `/${parent.name}/${link.alias}`);
  return [...aliases, `/${name}`].toSorted();
}

/** Who has links to a container. */
function parentsOf(
  store: ContainerStore,
  id: string,
): { readonly parent: Container; readonly link: ContainerLink }[] {
  const found: { readonly parent: Container; readonly link: ContainerLink }[] = [];
  for (const parent of store.linked())
    for (const link of parent.state.links ?? []) if (link.id === id) found.push({ parent, link });
  return found;
}

/** Throws Docker's error unless all that a container is linked to runs, and can be reached from where it will be. */
export function requireLinked({ store, networks }: Services, container: Container): void {
  for (const link of container.state.links ?? []) {
    const target = store.byId(link.id);
    const name = nameOf(store, link);
    if (target?.running !== true) {
      const message = `Cannot link to a non running container: /${name} AS /${container.name}/${link.alias}`;
      throw failure("conflict", { message });
    }
    const there = networks.store.endpointsOf(link.id).some(({ network }) => network === networks.id(BRIDGE));
    if (modeOf(container) === BRIDGE && !there) {
      const message = `Cannot link to /${name}, as it does not belong to the default network`;
      throw failure("conflict", { message });
    }
  }
}

interface Linked {
  readonly link: ContainerLink;
  readonly target: Container;
  readonly place: Place;
}

/** What a container is linked to, with the places on the default bridge of what runs. */
function linkedPlaces(services: Services, container: Container): Linked[] {
  return (container.state.links ?? []).flatMap((link) => {
    const target = services.store.byId(link.id);
    const place = target && placesOf(services, target).find(({ network: { name } }) => name === BRIDGE);
    return target === undefined || place === undefined ? [] : [{ link, target, place }];
  });
}

/** Lines of a container's /etc/hosts for what it is linked to. */
export function linkLines(services: Services, container: Container): string[] {
  if (modeOf(container) !== BRIDGE) return [];
  return linkedPlaces(services, container).flatMap(({ link, target, place: { endpoint } }) => {
    const names = [...new Set([link.alias, target.record.config.Hostname, target.name])].join(" ");
    return [endpoint.ipv4 ?? [], endpoint.ipv6 ?? []].flat().map((address) => `${address}\t${names}`);
  });
}

interface Port {
  readonly port: number;
  readonly protocol: string;
}

/** Exposed ports, in order of their numbers, TCP first. */
function exposedPorts({ record }: Container): Port[] {
  const ports = Object.keys(record.config.ExposedPorts ?? {}).flatMap((text): Port[] => {
    const [range = "", protocol = "tcp"] = text.split("/");
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    if (!(first <= last)) return [];
    return Array.from({ length: last - first + 1 }, (_, i) => ({ port: first + i, protocol }));
  });
  return ports.toSorted((a, b) => a.port - b.port || (a.protocol === "tcp" ? -1 : 1));
}

/** Variables that tell a container of what it is linked to; Docker's names. */
export function linkEnvironment(services: Services, container: Container): string[] {
  return linkedPlaces(services, container).flatMap(({ link, target, place }) =>
    linkVariables({
      parent: container.name,
      alias: link.alias,
      address: place.endpoint.ipv4 ?? "",
      ports: exposedPorts(target),
      environment: target.record.config.Env ?? [],
    }),
  );
}

/** What variables of a link are made from. */
export interface LinkFacts {
  /** Name of the container that has the link. */
  readonly parent: string;
  readonly alias: string;
  readonly address: string;
  /** In order of their numbers. */
  readonly ports: readonly Port[];
  /** Of the container that is linked to. */
  readonly environment: readonly string[];
}

/** The variables of one link, in Docker's order. */
export function linkVariables({ parent, alias, address, ports, environment }: LinkFacts): string[] {
  const prefix = alias
    .slice(alias.lastIndexOf("/") + 1)
    .toUpperCase()
    .replaceAll("-", "_");
  const url = ({ port, protocol }: Port): string => `${protocol}://${address}:${port}`;
  const result: string[] = [];
  const first = ports.find(({ protocol }) => protocol === "tcp") ?? ports[0];
  if (first !== undefined) result.push(`${prefix}_PORT=${url(first)}`);
  for (const each of ports) {
    const name = `${prefix}_PORT_${each.port}_${each.protocol.toUpperCase()}`;
    result.push(
      `${name}=${url(each)}`,
      `${name}_ADDR=${address}`,
      `${name}_PORT=${each.port}`,
      `${name}_PROTO=${each.protocol}`,
    );
  }
  for (const [from, to] of runs(ports)) {
    const name = `${prefix}_PORT_${from.port}_${from.protocol.toUpperCase()}`;
    result.push(
      `${name}_START=${url(from)}`,
      `${name}_PORT_START=${from.port}`,
      `${name}_END=${url(to)}`,
      `${name}_PORT_END=${to.port}`,
    );
  }
  result.push(`${prefix}_NAME=/${parent}/${alias}`);
  for (const entry of environment) {
    const [name = ""] = entry.split("=", 1);
    if (entry.includes("=") && name !== "HOME" && name !== "PATH") result.push(`${prefix}_ENV_${entry}`);
  }
  return result;
}

/** First and last of three or more ports of one protocol in a row. */
function runs(ports: readonly Port[]): (readonly [from: Port, to: Port])[] {
  const found: [Port, Port][] = [];
  for (let i = 0; i < ports.length; i++) {
    const from = ports[i];
    let end = i;
    while (
      ports[end + 1]?.port === (ports[end]?.port ?? 0) + 1 &&
      ports[end + 1]?.protocol === from?.protocol
    )
      end++;
    const to = ports[end];
    if (end > i + 1 && from !== undefined && to !== undefined) found.push([from, to]);
    i = end;
  }
  return found;
}

/**
 * The places of a container that is about to run, with what its links open in a default bridge without icc: from it to
 * what it is linked to, and to it from running containers that are linked to it.
 */
export function withLinks(services: Services, container: Container, places: readonly Place[]): Place[] {
  return places.map((place) => {
    const { network, endpoint } = place;
    if (network.name !== BRIDGE || readBridgeOptions(network).icc) return place;
    const outward = linkedPlaces(services, container).flatMap(({ target, place: other }) =>
      opened(place, other, target),
    );
    const inward = parentsOf(services.store, container.id).flatMap(({ parent }) => {
      const from = placesOf(services, parent).find((one) => one.network.id === network.id);
      return from === undefined ? [] : opened(from, place, container);
    });
    const links = [...outward, ...inward];
    const unchanged = links.length === 0 && endpoint.links === undefined;
    return unchanged ? place : { network, endpoint: { ...endpoint, links } };
  });
}

function opened({ endpoint: from }: Place, { endpoint: to }: Place, target: Container): FirewallLink[] {
  const families = [
    [from.ipv4, to.ipv4],
    [from.ipv6, to.ipv6],
  ] as const;
  return families.flatMap(([source, destination]) =>
    source === undefined || destination === undefined
      ? []
      : exposedPorts(target).map(({ port, protocol }) => ({
          from: source,
          to: destination,
          protocol: protocol as Protocol,
          port,
        })),
  );
}

/** Running containers that are linked to this one. */
export function runningParents({ store }: Services, { id }: Container): Container[] {
  return [...new Set(parentsOf(store, id).map(({ parent }) => parent))].filter(({ running }) => running);
}

/**
 * The container that has the link `/web/alias`, and the link.
 * @throws conflict for a container's own name; no-such-container
 */
export function findLink(
  store: ContainerStore,
  name: string,
): { readonly parent: Container; readonly link: ContainerLink } {
  store.find(name);
  const [parentName = "", alias] = name.replace(/^\//, "").split("/");
  if (alias === undefined) {
    const message = "Conflict, cannot remove the default link name of the container";
    throw failure("conflict", { message });
  }
  const parent = store.find(parentName);
  const link = parent.state.links?.find((one) => one.alias === alias);
  if (link === undefined) throw failure("no-such-container", { name });
  return { parent, link };
}
