/**
 * Which index and MTU the host's links have: endpoints are made with numbers, not names.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { close, ProgramBuilder, type CallOptions, type Executor, type Outcome } from "../../kernel/mod.ts";
import {
  decodeAddresses,
  decodeLinks,
  decodeRoutes,
  dumpAddresses,
  dumpRoutes,
  encodeMessages,
  getLink,
  netlink,
  openNetlink,
  type Message,
} from "../../kernel/netlink/mod.ts";
import type { LinkFacts } from "../driver.ts";
import { formatPrefix, parseCidr } from "../ipam/addresses.ts";

/** A dump of all links, addresses or routes of a host with thousands of containers. */
const DUMP_SIZE = 4 << 20;
const ANSWER_SIZE = 16 << 10;

/** The links of the host's network namespace, as far as somebody asked. */
export class LinkIndex {
  readonly #executor: () => Executor;
  readonly #known = new Map<string, LinkFacts>();

  constructor(executor: () => Executor) {
    this.#executor = executor;
  }

  /**
   * The link's facts, from memory if they are there.
   * @throws not-found when the host has no such link
   */
  async find(name: string): Promise<LinkFacts> {
    const known = this.#known.get(name) ?? (await this.look(name));
    if (known === undefined) throw failure("not-found", { message: `the host has no link ${name}` });
    this.#known.set(name, known);
    return known;
  }

  /** The link's facts as they are now; undefined if the host has no such link. */
  async look(name: string): Promise<LinkFacts | undefined> {
    const options = { tolerate: ["ENODEV"] } as const;
    const answer = await ask(
      this.#executor(),
      `look for the link ${name}`,
      getLink({ name }),
      ANSWER_SIZE,
      options,
    );
    const [link] = decodeLinks(answer);
    if (link === undefined) return undefined;
    const { index, mtu, kind, alias } = link;
    return { index, mtu, ...(kind === undefined ? {} : { kind }), ...(alias === undefined ? {} : { alias }) };
  }

  /** The link was made anew, or may be gone. */
  forget(name: string): void {
    this.#known.delete(name);
  }

  forgetAll(): void {
    this.#known.clear();
  }
}

async function ask(
  executor: Executor,
  doing: string,
  message: Message,
  size: number,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const b = new ProgramBuilder();
  const socket = b.slot("route socket");
  openNetlink(b, "open a route socket", "route", socket);
  const out = b.out(size);
  const length = netlink(b, doing, socket, encodeMessages([message]), out, options);
  close(b, socket);
  const outcome: Outcome = await executor.run(b.build(), { doing });
  return outcome.bytesOf(out).subarray(0, Math.max(0, outcome.valueOf(length) ?? 0));
}

/** Prefixes of the host's addresses and routes but for default ones: new subnets keep away from them. */
export async function hostPrefixes(executor: Executor): Promise<string[]> {
  const [addresses, routes] = await Promise.all([
    ask(executor, "read the host's addresses", dumpAddresses(), DUMP_SIZE),
    ask(executor, "read the host's routes", dumpRoutes(), DUMP_SIZE),
  ]);
  const own = decodeAddresses(addresses).flatMap(({ address }) => {
    const found = parseCidr(address);
    return found === undefined ? [] : [formatPrefix(found.prefix)];
  });
  const far = decodeRoutes(routes).flatMap(({ destination }) =>
    destination === undefined || destination.startsWith("default") ? [] : [destination],
  );
  return [...own, ...far];
}

/** The addresses with their prefixes that a link has. */
export async function linkAddresses(executor: Executor, link: LinkFacts | undefined): Promise<string[]> {
  if (link === undefined) return [];
  const answer = await ask(executor, "read the host's addresses", dumpAddresses(), DUMP_SIZE);
  return decodeAddresses(answer).flatMap(({ index, address }) =>
    index !== link.index || address.toLowerCase().startsWith("fe80:") ? [] : [address],
  );
}
