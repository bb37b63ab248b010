/**
 * Bridge networks: a bridge of the host, and for each endpoint a veth pair with one end in the container.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { close, writeProc, type ProgramBuilder } from "../../kernel/mod.ts";
import {
  broadcastOf,
  delLink,
  encodeMessages,
  netlink,
  newAddress,
  newLink,
  newNeighbour,
  openNetlink,
  parsePrefix,
  setLink,
  type BridgePortFlags,
  type Message,
} from "../../kernel/netlink/mod.ts";
import type { AttachPlace, GatewayNeeds, LinkFacts, NetworkDriver, NetworkStep } from "../driver.ts";
import type { BridgeOptions, Endpoint, NetworkRecord } from "../types.ts";
import { checkBridgeIsFree, readBridgeOptions } from "./bridge-options.ts";
import { configureInterface, exitsByGateway } from "./interface.ts";
import { hostIndexOf } from "./link-numbers.ts";
import { isOurs, noteOf } from "./ownership.ts";

/** A locally administered address that follows from the network's id, which is random. */
function macOf({ id }: NetworkRecord): string {
  const octets = id.slice(12, 24).match(/../g) ?? [];
  const first = (Number.parseInt(octets[0] ?? "0", 16) & 0xfc) | 0x02;
  return [first.toString(16).padStart(2, "0"), ...octets.slice(1)].join(":");
}

/** Adds messages, each an operation of its own, so that one that is tolerated hides no other. */
function ask(
  b: ProgramBuilder,
  messages: readonly (readonly [label: string, Message, ...("EEXIST" | "ENODEV")[]])[],
): void {
  const socket = b.slot("route socket");
  openNetlink(b, "open a route socket", "route", socket);
  for (const [label, message, ...tolerate] of messages) {
    netlink(b, label, socket, encodeMessages([message]), undefined, { tolerate });
  }
  close(b, socket);
}

function createStep(network: NetworkRecord, { bridge: name, mtu }: BridgeOptions): NetworkStep {
  return {
    links: [name],
    add: (b, [found]) => {
      if (found !== undefined) {
        if (found.kind === "bridge") return;
        throw failure("invalid-parameter", { message: `existing interface ${name} is not a bridge` });
      }
      ask(b, [
        [
          `make the bridge ${name}`,
          newLink({ kind: "bridge" }, { name, mac: macOf(network), ...(mtu === undefined ? {} : { mtu }) }),
        ],
        ["note whose it is", setLink({ name }, { alias: noteOf(network) })],
      ]);
    },
  };
}

/** The bridge's own addresses: `172.17.0.1/16`. */
function addressesOf(network: NetworkRecord, options: BridgeOptions): string[] {
  return network.ipam.pools.flatMap(({ subnet, gateway }) => {
    const isIPv6 = subnet.includes(":");
    if (gateway === undefined) return [];
    if (isIPv6 ? !network.enableIPv6 : !network.enableIPv4 || options.inhibitIPv4) return [];
    if ((isIPv6 ? options.gatewayMode6 : options.gatewayMode4) === "isolated") return [];
    return [`${gateway}/${subnet.split("/")[1]}`];
  });
}

function addSysctls(b: ProgramBuilder, network: NetworkRecord, options: BridgeOptions): void {
  const { bridge, gatewayMode6 } = options;
  const set = (family: 4 | 6, key: string, value: string): void => {
    const path = `/proc/sys/net/ipv${family}/conf/${bridge}/${key}`;
    writeProc(b, `set net.ipv${family}.conf.${bridge}.${key}=${value}`, path, value, {
      tolerate: ["ENOENT"],
    });
  };
  set(6, "accept_ra", "0");
  // What is published on 127.0.0.1 is translated on its way to the container, and so leaves by the bridge.
  set(4, "route_localnet", "1");
  if (network.enableIPv6) set(6, "disable_ipv6", gatewayMode6 === "isolated" ? "1" : "0");
}

function startStep(network: NetworkRecord, options: BridgeOptions): NetworkStep {
  return {
    links: [options.bridge],
    add: (b, [found]) => {
      if (found === undefined)
        throw failure("not-found", { message: `the host has no link ${options.bridge}` });
      const { index } = found;
      addSysctls(b, network, options);
      ask(b, [
        ...addressesOf(network, options).map((address) => {
          const broadcast = address.includes(":") ? {} : { broadcast: broadcastOf(parsePrefix(address)) };
          return [
            `give ${address} to ${options.bridge}`,
            newAddress({ index, address, ...broadcast }),
            "EEXIST",
          ] as const;
        }),
        [`start ${options.bridge}`, setLink({ index }, { up: true })],
      ]);
    },
  };
}

function addAttach(
  b: ProgramBuilder,
  network: NetworkRecord,
  endpoint: Endpoint,
  { socket, sandbox, link, hairpin, unfiltered }: AttachPlace,
): void {
  const {
    interface: name,
    interfaceIndex: index,
    mac,
    hostLink = `veth${endpoint.id.slice(0, 7)}`,
  } = endpoint;
  const { bridge, icc, mtu = link.mtu } = readBridgeOptions(network);
  // One queue each way: a veth has a use for more only with XDP, and each costs when the pair is made.
  const both = { mtu, queues: 1 };
  // The end outside is the first one: Linux before 6.14 looks for the name and index of that on the host.
  const host = hostIndexOf(endpoint);
  const pair = newLink(
    { kind: "veth", peer: { name, index, mac, ...both, namespace: sandbox } },
    { name: hostLink, index: host, ...both, master: link.index, up: true },
  );
  netlink(b, `make ${name} and join it to ${bridge}`, socket, encodeMessages([pair]));
  // The host may remember who had the addresses before, and send to that one until it doubts.
  const known = [endpoint.ipv4, endpoint.ipv6].flatMap((address) =>
    address === undefined ? [] : [newNeighbour({ index: link.index, mac, address, ages: true })],
  );
  if (known.length > 0)
    netlink(b, "tell the host who has its addresses", socket, encodeMessages(known), undefined, {
      tolerate: "any",
    });
  const change = (label: string, port: BridgePortFlags): void => {
    netlink(b, label, socket, encodeMessages([setLink({ index: host }, { port })]));
  };
  if (hairpin === true) change("let it reach its own published ports", { hairpin });
  if (icc || unfiltered !== true) return;
  // What the bridge passes from port to port no rule sees. So its ports don't hear each other, and the host answers for the
  // neighbours: their packets pass its rules, by which links are open; at once, and nobody is told of a shorter way.
  change("keep it apart from its neighbours", { isolated: true });
  for (const [sysctl, value] of [
    ["conf", "proxy_arp_pvlan", "1"],
    ["conf", "send_redirects", "0"],
    ["neigh", "proxy_delay", "0"],
  ].map(([kind, key, on = ""]) => [`ipv4/${kind}/${bridge}/${key}`, on] as const)) {
    const label = `set net.${sysctl.replaceAll("/", ".")}=${value}`;
    writeProc(b, label, `/proc/sys/net/${sysctl}`, value, { tolerate: ["ENOENT"] });
  }
}

function gatewayNeeds(network: NetworkRecord): GatewayNeeds {
  const { gatewayMode4, gatewayMode6, inhibitIPv4 } = readBridgeOptions(network);
  return {
    gateway4: gatewayMode4 !== "isolated" && !(inhibitIPv4 && network.internal),
    gateway6: gatewayMode6 !== "isolated",
  };
}

/** The driver of bridge networks. */
export const bridgeDriver: NetworkDriver = {
  name: "bridge",
  check: (network, others) => {
    checkBridgeIsFree(network, others);
    return gatewayNeeds(network);
  },
  up: (network) => {
    const options = readBridgeOptions(network);
    return [createStep(network, options), startStep(network, options)];
  },
  down: (network) => {
    const { bridge: name } = readBridgeOptions(network);
    const add = (b: ProgramBuilder, [found]: readonly (LinkFacts | undefined)[]): void => {
      if (found === undefined || !isOurs(found)) return;
      ask(b, [[`remove the bridge ${name}`, delLink({ index: found.index }), "ENODEV"]]);
    };
    return [{ links: [name], add }];
  },
  link: (network) => readBridgeOptions(network).bridge,
  attach: addAttach,
  configure: (b, network, endpoint, socket) =>
    configureInterface(
      b,
      network,
      endpoint,
      network.internal ? {} : exitsByGateway(network, endpoint),
      socket,
    ),
};
