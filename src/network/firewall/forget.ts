/**
 * Forgetting UDP exchanges with published ports where the kernel can't choose them itself: IPv6, and Linux before 6.12.
 * @module
 */
import { close, ProgramBuilder, type Executor } from "../../kernel/mod.ts";
import {
  deletionsOf,
  dumpConnections,
  encodeMessages,
  netlink,
  openNetlink,
} from "../../kernel/netlink/mod.ts";
import { readKernel } from "../host/read-kernel.ts";
import { isIPv6Text, isUnspecified } from "../ipam/addresses.ts";
import type { PublishedPort } from "../types.ts";

/** The first Linux that chooses IPv4 connections by a filter. */
const CHOOSES: readonly [number, number] = [6, 12];

/** The ports whose exchanges {@link forgetOneByOne} must look for. */
export function unchosen(
  ports: readonly PublishedPort[],
  [major, minor]: readonly [number, number],
): PublishedPort[] {
  const chooses = major > CHOOSES[0] || (major === CHOOSES[0] && minor >= CHOOSES[1]);
  return ports.filter(
    ({ protocol, hostAddress, hostPort }) =>
      protocol === "udp" && hostPort !== 0 && (!chooses || isIPv6Text(hostAddress)),
  );
}

/** Reads the kernel's table and deletes what goes to these ports, in processes of their own. */
export async function forgetOneByOne(executor: Executor, ports: readonly PublishedPort[]): Promise<void> {
  for (const family of [4, 6] as const) {
    const wanted = ports.filter(({ hostAddress }) => isIPv6Text(hostAddress) === (family === 6));
    if (wanted.length === 0) continue;
    const message = dumpConnections(family, "udp");
    const question = { doing: "read UDP exchanges", family: "netfilter", message, forked: true } as const;
    const table = await readKernel(executor, question);
    // More than fit are all left to time out.
    if (table === undefined) continue;
    const messages = wanted.flatMap(({ hostAddress, hostPort, count, containerAddress }) => {
      const destination = isUnspecified(hostAddress) ? {} : { destination: hostAddress };
      return deletionsOf(
        table,
        count === 1
          ? { protocol: "udp", destinationPort: hostPort, ...destination }
          : { protocol: "udp", replySource: containerAddress },
      );
    });
    if (messages.length === 0) continue;
    const b = new ProgramBuilder();
    const socket = b.slot("netfilter socket");
    openNetlink(b, "open a netfilter socket", "netfilter", socket);
    for (const message of messages) {
      netlink(b, "forget a UDP exchange", socket, encodeMessages([message]), undefined, {
        tolerate: ["ENOENT"],
      });
    }
    close(b, socket);
    await executor.fork(b.build(), { doing: "forget UDP exchanges" });
  }
}
