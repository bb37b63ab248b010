/**
 * A container's own /etc/hosts, /etc/hostname and /etc/resolv.conf, as Docker writes them. Pure.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ContainerConfig, HostConfig } from "./container-types.ts";

const loopback = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** Lines for `--add-host name:address`; `gateway` is where `host-gateway` leads. */
function extraHosts(entries: readonly string[], gateway: readonly string[]): string[] {
  return entries.flatMap((entry) => {
    const separator = entry.includes("=") ? "=" : ":";
    const at = entry.indexOf(separator);
    const name = entry.slice(0, at);
    const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
    if (at <= 0 || address === "") {
      throw failure("invalid-parameter", { message: `bad format for add-host: "${entry}"` });
    }
    if (address !== "host-gateway") return [`${address}\t${name}`];
    if (gateway.length === 0) {
      const message = "unable to derive the IP value for host-gateway";
      throw failure("invalid-parameter", { message });
    }
    return gateway.map((own) => `${own}\t${name}`);
  });
}

/** What /etc/hosts says beside what the container asks for. */
export interface HostsContext {
  /** The host's own file. */
  readonly hostFile: string;
  /** Where `host-gateway` leads; empty: nowhere. */
  readonly gateway: readonly string[];
  /** The container's addresses, and what it is called: `fqdn name` or `name`. */
  readonly addresses: readonly string[];
  readonly names: string;
  /** Lines for what it is linked to. */
  readonly links?: readonly string[];
}

/** /etc/hosts; with the host's network it begins with the host's own. */
export function hostsFile(
  host: HostConfig,
  { hostFile, gateway, addresses, names, links = [] }: HostsContext,
): string {
  const base = host.NetworkMode === "host" ? [hostFile.trimEnd()] : loopback;
  const own = addresses.map((address) => `${address}\t${names}`);
  return `${[...base, ...extraHosts(host.ExtraHosts ?? [], gateway), ...links, ...own].join("\n")}\n`;
}

/** What a container calls itself in its /etc/hosts. */
export function ownNames({ Hostname, Domainname }: Pick<ContainerConfig, "Hostname" | "Domainname">): string {
  return Domainname === "" ? Hostname : `${Hostname}.${Domainname} ${Hostname}`;
}

/** /etc/hostname: without the domain, as Docker has it. */
export function hostnameFile(config: Pick<ContainerConfig, "Hostname">): string {
  return config.Hostname === "" ? "" : `${config.Hostname}\n`;
}
