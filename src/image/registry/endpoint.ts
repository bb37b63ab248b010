/**
 * Where a registry is reached: the base URLs for a reference's host in the order in which they are tried, and which
 * hosts may be spoken to without TLS or with a certificate that nobody vouches for.
 * @module
 */
import { BlockList, isIP } from "node:net";
import { failure } from "../../errors/mod.ts";
import type { RegistryConfig } from "./types.ts";

/** One way to reach a registry. */
export interface Endpoint {
  /** Origin and path prefix, ending in `/`; `v2/…` is resolved against it. */
  readonly base: URL;
  /** Docker's own registry mirrored by somebody else: it never gets the user's credentials. */
  readonly mirror: boolean;
}

/** Linux connects these to loopback. */
const anyAddress: ReadonlySet<string> = new Set(["0.0.0.0", "[::]", "[::ffff:0:0]"]);
const hostForm = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * The endpoints for `registry` (`host[:port]`, or `docker.io`): its mirrors, then itself by https and, where the host
 * counts as insecure, by http. Fails with `invalid-parameter` for what is not a host and with the mirror's URL if that
 * isn't one.
 */
export function endpointsOf(registry: string, config: RegistryConfig, trust: HostTrust): Endpoint[] {
  if (!hostForm.test(registry))
    throw failure("invalid-parameter", { message: `invalid registry host ${JSON.stringify(registry)}` });
  if (registry !== "docker.io" && registry !== "index.docker.io") return direct(registry, trust);
  return [...(config.mirrors ?? []).map(mirror), ...direct("registry-1.docker.io", trust)];
}

function direct(host: string, trust: HostTrust): Endpoint[] {
  const secure = { base: new URL(`https://${host}/`), mirror: false };
  if (!trust.insecure(secure.base)) return [secure];
  return [secure, { base: new URL(`http://${host}/`), mirror: false }];
}

function mirror(text: string): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.search !== "" ||
    url.hash !== "" ||
    url.username !== ""
  )
    throw failure("invalid-parameter", {
      message: `invalid mirror: ${JSON.stringify(text)} is not a base URL`,
    });
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return { base: url, mirror: true };
}

/** Which hosts count as loopback and which as insecure. Names are never resolved: only what is written counts. */
export class HostTrust {
  readonly #names: Set<string> = new Set<string>();
  readonly #networks: BlockList = new BlockList();
  readonly #loopback: BlockList = new BlockList();

  /** @param insecureRegistries hosts, `host:port` or networks; a network or host that is malformed matches nothing. */
  constructor(insecureRegistries: readonly string[] = []) {
    this.#loopback.addSubnet("127.0.0.0", 8, "ipv4");
    this.#loopback.addAddress("::1", "ipv6");
    for (const entry of insecureRegistries) {
      const [address = "", prefix] = entry.split("/");
      const family = isIP(address);
      if (prefix === undefined) this.#names.add(entry.toLowerCase());
      else if (family !== 0 && /^\d+$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
        this.#networks.addSubnet(address, Number(prefix), family === 4 ? "ipv4" : "ipv6");
    }
  }

  /** Whether the URL's host is loopback in the forms that Docker trusts without TLS. */
  loopback(url: URL): boolean {
    return url.hostname === "localhost" || matches(this.#loopback, url);
  }

  /** Whether connecting to the URL's host ends at this machine: loopback in all its forms. Grants nothing. */
  local(url: URL): boolean {
    const name = url.hostname.replace(/\.$/, "");
    return this.loopback(url) || anyAddress.has(name) || name === "localhost" || name.endsWith(".localhost");
  }

  /** Whether the URL's host may be reached by plain http and without checking its certificate. */
  insecure(url: URL): boolean {
    return (
      this.loopback(url) ||
      this.#names.has(url.host) ||
      this.#names.has(url.hostname) ||
      matches(this.#networks, url)
    );
  }
}

function matches(list: BlockList, url: URL): boolean {
  const address = url.hostname.replace(/^\[|\]$/g, "");
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? "ipv4" : "ipv6");
}
