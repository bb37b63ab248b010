/**
 * Macvlan networks: each endpoint is a link on the host's own network, with a MAC address of its own.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { encodeMessages, netlink, newLink, setLink } from "../../kernel/netlink/mod.ts";
import type { NetworkDriver } from "../driver.ts";
import type { NetworkRecord } from "../types.ts";
import { configureInterface, exitsByGateway } from "./interface.ts";
import { reachesOut, readMacvlanOptions } from "./lan-options.ts";
import { parentDown, parentName, parentUp, sharing } from "./parent.ts";

/** A link in mode passthru is alone on its parent. */
function checkSharing(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  const options = readMacvlanOptions(network);
  for (const other of sharing(network, options, others)) {
    if (options.mode === "passthru") {
      throw failure("conflict", {
        message: `cannot use mode passthru, macvlan network ${other.id} is already using parent interface ${options.parent}`,
      });
    }
    if (readMacvlanOptions(other).mode === "passthru") {
      throw failure("conflict", {
        message: `macvlan network ${other.id} is already using parent interface ${options.parent} in mode passthru`,
      });
    }
  }
}

/** The driver of macvlan networks. */
export const macvlanDriver: NetworkDriver = {
  name: "macvlan",
  check: (network, others) => {
    checkSharing(network, others);
    const gateways = reachesOut(network, readMacvlanOptions(network));
    return { gateway4: gateways, gateway6: gateways };
  },
  up: (network) => parentUp(network, readMacvlanOptions(network)),
  down: (network, others) => parentDown(network, readMacvlanOptions(network), others),
  link: (network) => parentName(network, readMacvlanOptions(network)),
  attach: (b, network, endpoint, { socket, sandbox, link }) => {
    const { mode } = readMacvlanOptions(network);
    const { interface: name, interfaceIndex: index, mac } = endpoint;
    const message = newLink(
      { kind: "macvlan", parent: link.index, mode },
      { name, index, mac, namespace: sandbox },
    );
    netlink(
      b,
      `make ${name} on ${parentName(network, readMacvlanOptions(network))}`,
      socket,
      encodeMessages([message]),
    );
  },
  configure: (b, network, endpoint, socket) => {
    const options = readMacvlanOptions(network);
    const isOut = reachesOut(network, options);
    if (options.mode === "passthru") {
      // Such a link is born with its parent's address; from here on the parent has the link's, until the link is gone.
      const { interface: name, interfaceIndex: index, mac } = endpoint;
      netlink(b, `give ${name} its MAC address`, socket, encodeMessages([setLink({ index }, { mac })]));
    }
    configureInterface(b, network, endpoint, isOut ? exitsByGateway(network, endpoint) : {}, socket);
  },
};
