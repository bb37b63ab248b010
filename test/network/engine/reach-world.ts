/**
 * The world in which reach.test.ts probes: networks of every kind, a container or two on each, published ports, a LAN.
 * @module
 */
import { patience } from "../../support/patience.ts";
import type { NetworkHost } from "../world.ts";
import { LAN, type ContainerBody, type NetworkPlace } from "./place.ts";

/** Milliseconds until somebody is said not to answer: all probes run at once, beside whatever else the machine does. */
const QUIET = 6000 * patience;

const bridge = "com.docker.network.bridge";

/** Networks by name: the number of their subnets, and what is special about them. */
const networks: Readonly<Record<string, { readonly subnet: number; readonly more?: object }>> = {
  one: { subnet: 31 },
  two: { subnet: 32 },
  shut: { subnet: 33, more: { Internal: true } },
  quiet: { subnet: 34, more: { Options: { [`${bridge}.enable_icc`]: "false" } } },
  open: { subnet: 35, more: { Options: gateways("nat-unprotected") } },
  routed: { subnet: 36, more: { Options: gateways("routed") } },
};

function gateways(mode: string): Readonly<Record<string, string>> {
  return { [`${bridge}.gateway_mode_ipv4`]: mode, [`${bridge}.gateway_mode_ipv6`]: mode };
}

type Bindings = Readonly<Record<string, readonly (readonly [address: string, port: string])[]>>;

/** Containers: `NETWORK NUMBER` of its addresses, and what is published. */
const containers: Readonly<Record<string, readonly [where: string, published: Bindings]>> = {
  web: [
    "one 10",
    {
      "80/tcp": [
        ["", "8080"],
        ["127.0.0.1", "8081"],
        ["::1", "8082"],
        [LAN.host, "8086"],
      ],
      "80/udp": [["", "8080"]],
    },
  ],
  peer: ["one 11", {}],
  other: ["two 10", {}],
  in1: ["shut 10", {}],
  in2: ["shut 11", {}],
  q1: ["quiet 10", { "80/tcp": [["", "8083"]] }],
  q2: ["quiet 11", {}],
  bare: ["open 10", {}],
  straight: ["routed 10", { "80/tcp": [["", ""]] }],
};

function portSettings(published: Bindings): { exposed: Record<string, object>; bindings: object } {
  const bindings = Object.entries(published).map(([port, list]) => [
    port,
    list.map(([HostIp, HostPort]) => ({ HostIp, HostPort })),
  ]);
  return {
    exposed: Object.fromEntries(Object.keys(published).map((port) => [port, {}])),
    bindings: Object.fromEntries(bindings),
  };
}

function onNetwork(where: string, published: Bindings): ContainerBody {
  const [network = "", number = ""] = where.split(" ");
  const { subnet = 0 } = networks[network] ?? {};
  const IPAMConfig = { IPv4Address: `10.${subnet}.0.${number}`, IPv6Address: `fd${subnet}::${number}` };
  const { exposed, bindings } = portSettings(published);
  return {
    ExposedPorts: exposed,
    HostConfig: { NetworkMode: network, PortBindings: bindings },
    NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig } } },
  };
}

/** All of it, made once, probed often. */
export class ReachWorld implements AsyncDisposable {
  readonly #place: NetworkPlace;
  readonly #agents = new Map<string, NetworkHost>();
  /** Names in probes → addresses. */
  readonly #addresses = new Map<string, string>([
    ["lan", LAN.host],
    ["lan6", LAN.host6],
    ["neighbour", LAN.neighbour],
    ["neighbour6", LAN.neighbour6],
    ["localhost", "127.0.0.1"],
    ["localhost6", "::1"],
  ]);

  private constructor(place: NetworkPlace) {
    this.#place = place;
    this.#agents.set("host", place.host).set("neighbour", place.neighbour);
  }

  static async around(place: NetworkPlace): Promise<ReachWorld> {
    const world = new ReachWorld(place);
    try {
      await world.#make();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #make(): Promise<void> {
    const place = this.#place;
    for (const [name, { subnet, more }] of Object.entries(networks)) {
      const Config = [
        { Subnet: `10.${subnet}.0.0/24`, Gateway: `10.${subnet}.0.1` },
        { Subnet: `fd${subnet}::/64`, Gateway: `fd${subnet}::1` },
      ];
      await place.network(name, { EnableIPv6: true, IPAM: { Config }, ...more });
      this.#addresses.set(`${name}.gateway`, `10.${subnet}.0.1`).set(`${name}.gateway6`, `fd${subnet}::1`);
      place.neighbour.sh(
        `ip route add 10.${subnet}.0.0/24 via ${LAN.host}; ip route add fd${subnet}::/64 via ${LAN.host6}`,
      );
    }
    await place.network("mac", {
      Driver: "macvlan",
      Options: { parent: "eth0" },
      IPAM: { Config: [{ Subnet: "10.9.0.0/24", IPRange: "10.9.0.128/25", Gateway: "10.9.0.254" }] },
    });
    for (const [name, [where, published]] of Object.entries(containers)) {
      await place.container(name, onNetwork(where, published));
      const body = onNetwork(where, published).NetworkingConfig as {
        EndpointsConfig: Record<string, { IPAMConfig: { IPv4Address: string; IPv6Address: string } }>;
      };
      const [endpoint] = Object.values(body.EndpointsConfig);
      this.#addresses.set(name, endpoint?.IPAMConfig.IPv4Address ?? "");
      this.#addresses.set(`${name}6`, endpoint?.IPAMConfig.IPv6Address ?? "");
    }
    const plain = portSettings({ "80/tcp": [["", "8090"]] });
    await place.container("plain", {
      ExposedPorts: plain.exposed,
      HostConfig: { PortBindings: plain.bindings },
    });
    for (const [name, NetworkMode] of Object.entries(elsewhere))
      await place.container(name, { HostConfig: { NetworkMode } });
    for (const name of ["plain", "mac1", "mac2"]) {
      const { IPAddress, Gateway } = await this.#endpointOf(name);
      this.#addresses.set(name, IPAddress).set(`${name}.gateway`, Gateway);
    }
    await this.#serve();
    // Packets for 127.0.0.1 that come from the LAN.
    place.neighbour.sh(
      "sysctl -qw net.ipv4.conf.all.route_localnet=1; ip rule del pref 0; ip rule add pref 100 lookup local; " +
        `ip rule add pref 50 lookup 9; ip route add 127.0.0.1 via ${LAN.host} dev eth0 src ${LAN.neighbour} table 9`,
    );
  }

  async #endpointOf(container: string): Promise<{ IPAddress: string; Gateway: string }> {
    const { NetworkSettings } = await this.#place.call<{
      NetworkSettings: { Networks: Record<string, { IPAddress: string; Gateway: string }> };
    }>("GET", `/containers/${container}/json`);
    const [endpoint] = Object.values(NetworkSettings.Networks);
    if (endpoint === undefined) throw new Error(`${container} is on no network`);
    return endpoint;
  }

  /** Everybody serves ports 80 and 81; what shares a namespace with another serves ports of its own. */
  async #serve(): Promise<void> {
    const own = [...Object.keys(containers), "plain", "mac1", "mac2", "lonely", "joined", "hosted"];
    await Promise.all(
      own.map(async (name) => {
        const agent = await this.#place.inside(name);
        this.#agents.set(name, agent);
        if (name === "hosted") await agent.serve(7070);
        else if (name === "joined") await agent.serve(90);
        else for (const port of [80, 81]) await agent.serve(port);
      }),
    );
    await this.#place.neighbour.serve(7000);
    await this.#place.host.serve(7001);
  }

  /**
   * Whether and as whom `from` reaches `to`, such as `lan:8080/udp`.
   * @returns the name of whom the server sees; or `silence`, or an errno
   */
  async probe(from: string, to: string): Promise<string> {
    const [, name = "", port = "", protocol] = /^(.*):(\d+)(?:\/(udp))?$/.exec(to) ?? [];
    const agent = this.#agents.get(from);
    const address = this.#addresses.get(name);
    if (agent === undefined || address === undefined) throw new Error(`no such probe: ${from} to ${to}`);
    const answer = await (protocol === "udp"
      ? agent.udp(address, Number(port), QUIET)
      : agent.tcp(address, Number(port), QUIET));
    const seen = / at \d+$/.exec(answer) === null ? undefined : answer.replace(/ at \d+$/, "");
    if (seen === undefined) return answer;
    for (const [known, itsAddress] of this.#addresses) if (itsAddress === seen) return known;
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place[Symbol.asyncDispose]();
  }
}

/** Containers that are on no bridge of a user. */
const elsewhere: Readonly<Record<string, string>> = {
  mac1: "mac",
  mac2: "mac",
  lonely: "none",
  hosted: "host",
  joined: "container:web",
};
