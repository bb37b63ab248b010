/**
 * Ipvlan networks: each endpoint is a link on the host's own network, with its parent's MAC address. In the modes l3 and
 * l3s the host routes, and there is no gateway.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { encodeMessages, netlink, newLink } from "../../kernel/netlink/mod.ts";
import type { NetworkDriver } from "../driver.ts";
import type { Endpoint, NetworkRecord } from "../types.ts";
import { configureInterface, exitsByGateway, type Exits } from "./interface.ts";
import { reachesOut, readIpvlanOptions } from "./lan-options.ts";
import { parentDown, parentName, parentUp, sharing } from "./parent.ts";

function exitsOf(network: NetworkRecord, endpoint: Endpoint): Exits {
  const options = readIpvlanOptions(network);
  if (!reachesOut(network, options)) return {};
  if (options.mode === "l2") return exitsByGateway(network, endpoint);
  const { ipv4, ipv6, gateway4, gateway6 } = endpoint;
  return {
    ...(ipv4 !== undefined && gateway4 ? { ipv4: {} } : {}),
    ...(ipv6 !== undefined && gateway6 ? { ipv6: {} } : {}),
  };
}

/** The driver of ipvlan networks. */
export const ipvlanDriver: NetworkDriver = {
  name: "ipvlan",
  check: (network, others) => {
    const options = readIpvlanOptions(network);
    const [other] = sharing(network, options, others);
    if (other !== undefined) {
      throw failure("conflict", {
        message: `network dm-${other.id.slice(0, 12)} is already using parent interface ${options.parent}`,
      });
    }
    const gateways = options.mode === "l2" && reachesOut(network, options);
    return { gateway4: gateways, gateway6: gateways };
  },
  up: (network) => parentUp(network, readIpvlanOptions(network)),
  down: (network, others) => parentDown(network, readIpvlanOptions(network), others),
  link: (network) => parentName(network, readIpvlanOptions(network)),
  attach: (b, network, endpoint, { socket, sandbox, link }) => {
    const options = readIpvlanOptions(network);
    const { interface: name, interfaceIndex: index } = endpoint;
    const kind = { kind: "ipvlan", parent: link.index, mode: options.mode, flag: options.flag } as const;
    const message = newLink(kind, { name, index, namespace: sandbox });
    netlink(b, `make ${name} on ${parentName(network, options)}`, socket, encodeMessages([message]));
  },
  configure: (b, network, endpoint, socket) =>
    configureInterface(b, network, endpoint, exitsOf(network, endpoint), socket),
};
