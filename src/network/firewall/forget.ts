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
import type { PublishedPort } from "../types.ts";

/**
 * Room for a dump, tried in turn: all of it comes back from the executor, however little is in it. The last holds some ten
 * thousand connections; more than that are all left to time out.
 */
const DUMP_SIZES = [64 << 10, 1 << 20, 8 << 20] as const;

/** The first Linux that chooses IPv4 connections by a filter. */
const CHOOSES: readonly [number, number] = [6, 12];

/** The ports whose exchanges {@link forgetOneByOne} must look for. */
export function unchosen(
  ports: readonly PublishedPort[],
  [major, minor]: readonly [number, number],
): PublishedPort[] {
  const chooses = major > CHOOSES[0] || (major === CHOOSES[0] && minor >= CHOOSES[1]);
  return ports.filter(
    ({ protocol, hostAddress }) => protocol === "udp" && (!chooses || hostAddress.includes(":")),
  );
}

/** Reads the kernel's table and deletes what goes to these ports, in processes of their own. */
export async function forgetOneByOne(executor: Executor, ports: readonly PublishedPort[]): Promise<void> {
  for (const family of [4, 6] as const) {
    const wanted = ports.filter(({ hostAddress }) => hostAddress.includes(":") === (family === 6));
    if (wanted.length === 0) continue;
    const table = await connections(executor, family);
    const messages = wanted.flatMap(({ hostAddress, hostPort, count, containerAddress }) => {
      const any = hostAddress === "0.0.0.0" || hostAddress === "::";
      const destination = any ? {} : { destination: hostAddress };
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

async function connections(executor: Executor, family: 4 | 6): Promise<Uint8Array> {
  let table: Uint8Array = new Uint8Array();
  for (const size of DUMP_SIZES) {
    const b = new ProgramBuilder();
    const socket = b.slot("netfilter socket");
    openNetlink(b, "open a netfilter socket", "netfilter", socket);
    const out = b.out(size);
    const dump = encodeMessages([dumpConnections(family, "udp")]);
    const length = netlink(b, "read UDP exchanges", socket, dump, out, { tolerate: ["EMSGSIZE"] });
    close(b, socket);
    const outcome = await executor.fork(b.build(), { doing: "read UDP exchanges" });
    const read = outcome.valueOf(length) ?? -1;
    table = outcome.bytesOf(out).subarray(0, Math.max(0, read));
    if (read >= 0) break;
  }
  return table;
}
