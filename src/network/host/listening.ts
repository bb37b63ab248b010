/**
 * Ranges of published ports in which somebody outside of the engine listens: the engine binds no socket for a range, so it
 * asks who has.
 * @module
 */
import type { Executor } from "../../kernel/mod.ts";
import { decodeBoundSockets, dumpBoundSockets } from "../../kernel/netlink/mod.ts";
import { isIPv6Text } from "../ipam/addresses.ts";
import { clashes, type HostPorts } from "../ports/reservations.ts";
import type { Protocol, PublishedPort } from "../types.ts";
import { readKernel } from "./read-kernel.ts";

/**
 * Of a published range a port that somebody listens on, but for `own`, which is the engine's own; undefined: nobody does, or
 * the kernel can't say.
 */
export async function takenOfRanges(
  executor: Executor,
  published: readonly PublishedPort[],
  own: readonly HostPorts[],
): Promise<PublishedPort | undefined> {
  for (const port of published.filter(({ count, hostPort }) => count > 1 && hostPort !== 0)) {
    const { protocol, hostAddress, hostPort, count, containerPort } = port;
    for (const { address, port: at } of await boundSockets(executor, protocol, isIPv6Text(hostAddress))) {
      const socket = { protocol, address, first: at, last: at };
      const range = { protocol, address: hostAddress, first: hostPort, last: hostPort + count - 1 };
      if (!clashes(socket, range) || own.some((mine) => clashes(socket, mine))) continue;
      return { ...port, hostPort: at, containerPort: containerPort + at - hostPort, count: 1 };
    }
  }
  return undefined;
}

/** Sockets that take what comes by a family, as they are called in it. */
async function boundSockets(
  executor: Executor,
  protocol: Protocol,
  isIPv6: boolean,
): Promise<{ readonly address: string; readonly port: number }[]> {
  const read = async (family: 4 | 6): Promise<ReturnType<typeof decodeBoundSockets>> => {
    const message = dumpBoundSockets(protocol, family);
    const doing = `look who listens by ${protocol}`;
    // A kernel without the protocol, or without this question.
    const answer = await readKernel(executor, { doing, family: "diag", message, tolerate: ["ENOENT"] });
    return answer === undefined ? [] : decodeBoundSockets(answer);
  };
  const sockets = await read(6);
  if (isIPv6) return sockets;
  const both = sockets.filter(({ address, both: isOfBoth }) => isOfBoth && address === "::");
  return [...(await read(4)), ...both.map(({ port }) => ({ address: "0.0.0.0", port }))];
}
