/**
 * Networks that others make: plugins of networks and of addresses, and CNI. They are asked before anything is decided or
 * after it was written down, each with a deadline, and never while something else waits.
 * @module
 */
import { closeSync, openSync } from "node:fs";
import { failure, messageOf } from "../errors/mod.ts";
import {
  cniAdd,
  cniDelete,
  createNetwork,
  deleteNetwork,
  eachPort,
  findCniList,
  ipamPlugin,
  isForeign,
  isPredefined,
  joinPlugin,
  leavePlugin,
  pluginScope,
  readCniResult,
  readIpamConfig,
  type CniAttachment,
  type CniList,
  type Endpoint,
  type EndpointRequest,
  type IpamPool,
  type NetworkBody,
  type NetworkRecord,
  type PortRequest,
} from "../network/mod.ts";
import type { Plugins } from "../plugins/mod.ts";
import type { Place } from "./endpoints.ts";
import type { EngineLog } from "./services.ts";

/** What others say of a network that is to be made. */
export interface ForeignDraft {
  /** A plugin that is there, by the name of the network's driver. */
  readonly driver?: string;
  readonly given?: readonly IpamPool[];
  /** What goes into the network's record. */
  readonly record: Pick<NetworkRecord, "scope" | "cni">;
}

/** An endpoint's addresses and MAC address, decided by a plugin of addresses. */
export interface Lease extends Pick<Endpoint, "ipv4" | "ipv6" | "mac"> {
  readonly prefix4?: number;
  readonly prefix6?: number;
}

/** What a place is made with beside what is in its row. */
export interface ForeignRequest {
  readonly request: EndpointRequest;
  readonly ports: readonly PortRequest[];
  /** Names of the container's other interfaces. */
  readonly taken: ReadonlySet<string>;
}

const builtInIpam: ReadonlySet<string> = new Set(["default", "null", ""]);

/** Whether a plugin gives out the network's addresses. */
export function hasForeignAddresses({ ipam, driver }: NetworkRecord): boolean {
  return !builtInIpam.has(ipam.driver) && driver !== "host" && driver !== "null";
}

/** The engine's line to plugins of networks, and to CNI's. */
export class ForeignNetworks {
  readonly #plugins: Plugins;
  readonly #log: EngineLog;
  /** What is being undone, by container: who comes next is behind it. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** The same by network. */
  readonly #left = new Map<string, Promise<void>>();
  /** Namespaces in which CNI's plugins work, open, by endpoint. */
  readonly #namespaces = new Map<string, number>();

  constructor(log: EngineLog, plugins: Plugins) {
    this.#log = log;
    this.#plugins = plugins;
  }

  /**
   * Asks what others decide of a new network. What was taken is given back by {@link cancel} if it isn't made.
   * @throws what they say, not-found if they aren't there
   */
  async draft(body: NetworkBody): Promise<ForeignDraft> {
    const driver = body.Driver || "bridge";
    const ipam = body.IPAM?.Driver ?? "";
    if (body.ConfigOnly === true || driver === "null" || driver === "host") return { record: {} };
    if (driver === "cni") return draftCni(body);
    // Which network this could be is judged first by who isn't asked.
    if (driver === "overlay") return { record: {} };
    const foreign = isForeign({ driver });
    const plugin = foreign ? await this.#plugins.get(driver, "NetworkDriver") : undefined;
    const scope = plugin === undefined ? "local" : await pluginScope(plugin);
    const record = scope === "local" ? {} : { scope };
    const known = plugin === undefined ? {} : { driver };
    if (builtInIpam.has(ipam))
      return { ...known, ...(foreign && ipam === "null" ? { given: [] } : {}), record };
    const given = await ipamPlugin.requestPools(
      await this.#plugins.get(ipam, "IpamDriver"),
      poolRequest(body),
    );
    return { ...known, given, record };
  }

  /** Gives back what a draft took. */
  async cancel(body: NetworkBody, { given = [] }: ForeignDraft): Promise<void> {
    await this.#releasePools(body.IPAM?.Driver ?? "", given);
  }

  async #releasePools(driver: string, pools: readonly IpamPool[]): Promise<void> {
    if (pools.length === 0 || builtInIpam.has(driver)) return;
    try {
      await ipamPlugin.releasePools(await this.#plugins.get(driver, "IpamDriver"), pools);
    } catch (error) {
      this.#log.warn(`give pools back to plugin ${driver}: ${messageOf(error)}`, { error });
    }
  }

  /** Tells the network's plugin that it is there. */
  async up(network: NetworkRecord): Promise<void> {
    if (!isForeign(network) || network.driver === "cni") return;
    await createNetwork(await this.#plugins.get(network.driver, "NetworkDriver"), network);
  }

  /** Tells plugins that the network is gone, once its containers have left. What fails is logged: it is gone all the same. */
  async down(network: NetworkRecord): Promise<void> {
    await this.#left.get(network.id);
    this.#left.delete(network.id);
    if (isForeign(network) && network.driver !== "cni") {
      try {
        await deleteNetwork(await this.#plugins.get(network.driver, "NetworkDriver"), network);
      } catch (error) {
        this.#log.warn(`remove network ${network.name}: ${messageOf(error)}`, { error });
      }
    }
    if (hasForeignAddresses(network)) await this.#releasePools(network.ipam.driver, network.ipam.pools);
  }

  /** Takes addresses for an endpoint from the network's plugin of addresses; undefined: the engine gives them out. */
  async lease(network: NetworkRecord, request: EndpointRequest, mac: string): Promise<Lease | undefined> {
    if (!hasForeignAddresses(network)) return undefined;
    const { driver, options, pools } = network.ipam;
    const plugin = await this.#plugins.get(driver, "IpamDriver");
    const asked = ipamPlugin.endpointOptions(
      options ?? {},
      (await ipamPlugin.wantsMac(plugin)) ? mac : undefined,
    );
    const of = (isIPv6: boolean): IpamPool[] => pools.filter(({ subnet }) => subnet.includes(":") === isIPv6);
    const four = await ipamPlugin.requestFrom(plugin, of(false), request.ipv4 ?? "", asked);
    try {
      const six = await ipamPlugin.requestFrom(plugin, of(true), request.ipv6 ?? "", asked);
      return {
        mac,
        ...(four === undefined ? {} : { ipv4: four.address, prefix4: four.length }),
        ...(six === undefined ? {} : { ipv6: six.address, prefix6: six.length }),
      };
    } catch (error) {
      if (four !== undefined) await this.release(network, { ipv4: four.address });
      throw error;
    }
  }

  /** Gives addresses back to the network's plugin of addresses, if it has one. What fails is logged. */
  async release(network: NetworkRecord, { ipv4, ipv6 }: Pick<Endpoint, "ipv4" | "ipv6">): Promise<void> {
    if (!hasForeignAddresses(network)) return;
    for (const address of [ipv4 ?? [], ipv6 ?? []].flat()) {
      const isIPv6 = address.includes(":");
      const own = network.ipam.pools.filter(({ subnet }) => subnet.includes(":") === isIPv6);
      try {
        const plugin = await this.#plugins.get(network.ipam.driver, "IpamDriver");
        for (const { poolId = "" } of own) await ipamPlugin.releaseAddress(plugin, poolId, address);
      } catch (error) {
        this.#log.warn(`give ${address} back to plugin ${network.ipam.driver}: ${messageOf(error)}`, {
          error,
        });
      }
    }
  }

  /** Has the network's plugin make a place; one of the engine's own networks stays as it is. */
  async join(place: Place, { request, ports, taken }: ForeignRequest): Promise<Place> {
    const { network, endpoint } = place;
    if (!isForeign(network) || network.driver === "cni") return place;
    const plugin = await this.#plugins.get(network.driver, "NetworkDriver");
    const { foreign, name, prefix, ...made } = await joinPlugin(plugin, {
      network,
      endpoint,
      mac: request.mac,
      options: request.driverOptions ?? {},
      ports,
      sandboxKey: `/var/run/docker/netns/${endpoint.container.slice(0, 12)}`,
    });
    let number = 0;
    while (taken.has(`${prefix}${number}`)) number++;
    const asked = request.driverOptions?.["com.docker.network.endpoint.ifname"];
    return {
      network,
      endpoint: { ...endpoint, ...made, interface: asked ?? name ?? `${prefix}${number}`, foreign },
    };
  }

  /** Whether the place is made by CNI, when its container's namespace is there. */
  isLate({ network }: Place): boolean {
    return network.driver === "cni";
  }

  /** Has CNI's plugins make a place in a process's namespace. */
  async add(place: Place, pid: number, { request, ports }: Omit<ForeignRequest, "taken">): Promise<Place> {
    const { network, endpoint } = place;
    const attachment = attachmentOf(endpoint, this.#keep(endpoint, pid), ports, request);
    if (attachment.ports.some(({ hostPort }) => hostPort === 0)) {
      const message = "a network of CNI publishes no ports that the engine chooses: name the host's port";
      throw failure("invalid-parameter", { message });
    }
    const result = await cniAdd(listOf(network), attachment);
    return { network, endpoint: { ...endpoint, ...readCniResult(result, endpoint.interface) } };
  }

  /**
   * Keeps the namespace of a running container until its place is undone: some plugins (bridge, with `ipMasq`) remove
   * what they made on the host only if they find it.
   * @returns a path to it
   */
  #keep({ id }: Endpoint, pid: number): string {
    const kept = this.#namespaces.get(id) ?? openSync(`/proc/${pid}/ns/net`, "r");
    this.#namespaces.set(id, kept);
    return `/proc/${process.pid}/fd/${kept}`;
  }

  /** Keeps namespaces of a container that an earlier engine started. */
  keep(places: readonly Place[], pid: number): void {
    for (const place of places) {
      try {
        if (this.isLate(place)) this.#keep(place.endpoint, pid);
      } catch (error) {
        // It exits at this moment; what is told of that comes next.
        this.#log.debug(`keep the namespace of process ${pid}: ${messageOf(error)}`);
      }
    }
  }

  /** Has CNI's plugins undo a place, in its namespace if that is still there. */
  async remove({ network, endpoint }: Place, ports: readonly PortRequest[]): Promise<void> {
    const kept = this.#namespaces.get(endpoint.id);
    this.#namespaces.delete(endpoint.id);
    const { result } = endpoint.foreign ?? {};
    const path = kept === undefined ? "" : `/proc/${process.pid}/fd/${kept}`;
    // Without a result, ADD failed or the engine was killed meanwhile: the plugins undo what they find.
    const previous =
      result === undefined ? undefined : (JSON.parse(result) as Readonly<Record<string, unknown>>);
    try {
      await cniDelete(listOf(network), attachmentOf(endpoint, path, ports), previous);
    } finally {
      if (kept !== undefined) closeSync(kept);
    }
  }

  /** The places are over. Nobody waits for this but who comes next with the same container or removes the network. */
  leave(places: readonly Place[], ports: readonly PortRequest[]): void {
    for (const place of places) {
      const { network, endpoint } = place;
      if (!isForeign(network) && !hasForeignAddresses(network)) continue;
      const before = this.#leaving.get(endpoint.container) ?? Promise.resolve();
      const done = before.then(() => this.#undo(place, ports));
      this.#leaving.set(endpoint.container, done);
      const others = this.#left.get(network.id) ?? Promise.resolve();
      this.#left.set(
        network.id,
        Promise.all([others, done]).then(() => undefined),
      );
      void done.then(() => {
        if (this.#leaving.get(endpoint.container) === done) this.#leaving.delete(endpoint.container);
      });
    }
  }

  async #undo(place: Place, ports: readonly PortRequest[]): Promise<void> {
    const { network, endpoint } = place;
    try {
      if (endpoint.foreign?.asked !== true) {
        // Nobody has heard of it.
      } else if (network.driver === "cni") {
        await this.remove(place, ports);
      } else if (isForeign(network)) {
        await leavePlugin(await this.#plugins.get(network.driver, "NetworkDriver"), endpoint);
      }
    } catch (error) {
      this.#log.warn(`leave network ${network.name}: ${messageOf(error)}`, { error });
    }
    await this.release(network, endpoint);
  }

  /** Resolves when what the container left is undone; without one, what every one left. */
  async settled(container?: string): Promise<void> {
    if (container === undefined) await Promise.all(this.#leaving.values());
    else await this.#leaving.get(container);
  }
}

/** A network of CNI: its addresses are decided by its plugins. */
function draftCni(body: NetworkBody): ForeignDraft {
  const { Name: name = "", IPAM: ipam } = body;
  if ((ipam?.Config ?? []).length > 0 || !builtInIpam.has(ipam?.Driver ?? "")) {
    const message = "the addresses of a network of CNI are decided by its configuration";
    throw failure("invalid-parameter", { message });
  }
  // Of a predefined name the refusal has words of its own.
  if (isPredefined(name)) return { record: {} };
  return { given: [], record: { cni: JSON.stringify(findCniList({ name, options: body.Options ?? {} })) } };
}

function poolRequest({
  IPAM: ipam,
  EnableIPv4,
  EnableIPv6,
}: NetworkBody): Parameters<typeof ipamPlugin.requestPools>[1] {
  const configs = ipam?.Config ?? [];
  readIpamConfig(configs);
  const of = (isIPv6: boolean, enabled: boolean): ReturnType<typeof poolRequest>["configs"] => {
    if (!enabled) return [];
    const own = configs.filter(({ Subnet = "" }) => Subnet.includes(":") === isIPv6);
    return (own.length === 0 ? [{}] : own).map((config) => ({ ...config, isIPv6 }));
  };
  return {
    options: ipam?.Options ?? {},
    configs: [...of(false, EnableIPv4 ?? true), ...of(true, EnableIPv6 ?? false)],
  };
}

function listOf({ name, cni }: NetworkRecord): CniList {
  if (cni === undefined)
    throw failure("internal", { message: `network ${name} has no configuration of CNI` });
  return JSON.parse(cni) as CniList;
}

function attachmentOf(
  endpoint: Endpoint,
  namespace: string,
  ports: readonly PortRequest[],
  request?: EndpointRequest,
): CniAttachment {
  const { container, interface: name } = endpoint;
  const mappings = eachPort(ports).map(({ hostFirst, containerPort, protocol, hostAddress }) => ({
    hostPort: hostFirst,
    containerPort,
    protocol,
    ...(hostAddress === "" ? {} : { hostIP: hostAddress }),
  }));
  return {
    container,
    namespace,
    interface: name,
    ports: mappings,
    addresses: [request?.ipv4 ?? [], request?.ipv6 ?? []].flat(),
    ...(request?.mac === undefined ? {} : { mac: request.mac }),
  };
}
