/**
 * The host's own servers, followed as they change.
 * @module
 */
import { statSync, readFileSync } from "node:fs";
import { isIP } from "node:net";

/** At most so many servers are asked, as resolv.conf(5) has it. */
export const mostServers = 3;

/** The `nameserver` lines of a resolv.conf. */
export function serversOf(resolvConf: string): readonly string[] {
  return resolvConf
    .split("\n")
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter((server) => isServer(server))
    .slice(0, mostServers);
}

/** Whether it is an address that can be asked; a link-local one has its interface behind `%`. */
function isServer(text: string): boolean {
  return isIP(text.replace(/%.*$/, "")) !== 0;
}

/**
 * The servers in a resolv.conf. The file is looked at whenever somebody needs them, which costs microseconds, so that no
 * change is missed: neither a file that was renamed into its place nor a link that leads elsewhere now.
 */
export class HostServers {
  readonly #path: string;
  #seen = "";
  #servers: readonly string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** The servers of this moment. While there is no file, the last ones. */
  current(): readonly string[] {
    try {
      const { mtimeNs, ino, size, dev } = statSync(this.#path, { bigint: true });
      const now = `${mtimeNs}:${ino}:${size}:${dev}`;
      if (now !== this.#seen) {
        this.#servers = serversOf(readFileSync(this.#path, "utf8"));
        this.#seen = now;
      }
    } catch {
      // Between a removal and a new file the old servers are the best guess.
    }
    return this.#servers;
  }
}
