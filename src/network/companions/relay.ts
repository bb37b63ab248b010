/**
 * The relay of a container: holds the sockets of its resolver's address and passes queries on to the engine's resolver
 * (native/PROTOCOL.md, section 4).
 * @module
 */
import { CLONE, close, flags, type ProgramBuilder, type Slot } from "../../kernel/mod.ts";
import { encodeMessages, netlink, openNetlink, setLink } from "../../kernel/netlink/mod.ts";
import { companionSlots, startCompanion, type CompanionParent } from "./companion.ts";
import { bindSocket } from "./sockets.ts";

/** Where names are asked for in a container, as Docker has it. */
export const RESOLVER_ADDRESS = "127.0.0.11";

/** A relay to be started. */
export interface Relay {
  /** Id of the container. */
  readonly container: string;
  /** Path of the resolver's socket. */
  readonly resolver: string;
  /** Ports that it listens on; rules in the container's namespace lead there from port 53. */
  readonly udpPort: number;
  readonly tcpPort: number;
}

/** Adds, in its parent, the start of the relay in the network namespace that is open in `namespace`. */
export function startRelay(b: ProgramBuilder, relay: Relay, namespace: Slot, parent: CompanionParent): void {
  const udp = b.slot("queries");
  const tcp = b.slot("queries by TCP");
  const { container, resolver, udpPort, tcpPort } = relay;
  startCompanion(
    b,
    {
      name: "the relay of its resolver",
      argv: ["caisson-relay", resolver, container],
      descriptors: [udp, tcp],
      parent,
      awaited: true,
    },
    companionSlots(b),
    () => {
      b.call("enter its network namespace", "setns", [namespace, flags(CLONE, "NEWNET")]);
      // A socket that is bound before its address is there answers from another one.
      startLoopback(b, b.slot("route socket of the relay"));
      const address = RESOLVER_ADDRESS;
      bindSocket(b, "take queries", { protocol: "udp", address, port: udpPort }, udp);
      bindSocket(b, "take queries by TCP", { protocol: "tcp", address, port: tcpPort }, tcp);
    },
  );
  close(b, namespace);
}

/** Index of `lo` in every network namespace. */
const LOOPBACK = 1;

/** Adds the start of `lo` in the network namespace of whoever performs it, with a route socket that stays open. */
export function startLoopback(b: ProgramBuilder, socket: Slot): void {
  openNetlink(b, "open a route socket", "route", socket);
  netlink(
    b,
    "start the loopback interface",
    socket,
    encodeMessages([setLink({ index: LOOPBACK }, { up: true })]),
  );
}
