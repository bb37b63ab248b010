/**
 * Which index and MTU the host's links have: endpoints are made with numbers, not names.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Errno, Executor } from "../../kernel/mod.ts";
import {
  decodeAddresses,
  decodeLinks,
  decodeRoutes,
  dumpAddresses,
  dumpRoutes,
  getLink,
  type Message,
} from "../../kernel/netlink/mod.ts";
import type { LinkFacts } from "../driver.ts";
import { formatPrefix, parseCidr } from "../ipam/addresses.ts";
import { readKernel } from "./read-kernel.ts";

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
    const answer = await ask(this.#executor(), `look for the link ${name}`, getLink({ name }), ["ENODEV"]);
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
  tolerate: readonly Errno[] = [],
): Promise<Uint8Array> {
  const answer = await readKernel(executor, { doing, family: "route", message, tolerate });
  if (answer === undefined) throw failure("internal", { message: `cannot ${doing}: there are too many` });
  return answer;
}

/** Prefixes of the host's addresses and routes but for default ones: new subnets keep away from them. */
export async function hostPrefixes(executor: Executor): Promise<string[]> {
  const [addresses, routes] = await Promise.all([
    ask(executor, "read the host's addresses", dumpAddresses()),
    ask(executor, "read the host's routes", dumpRoutes()),
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
  const answer = await ask(executor, "read the host's addresses", dumpAddresses());
  return decodeAddresses(answer).flatMap(({ index, address }) =>
    index !== link.index || address.toLowerCase().startsWith("fe80:") ? [] : [address],
  );
}
