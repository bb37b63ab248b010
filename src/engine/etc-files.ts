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

/** Lines for `--add-host name:address`. */
function extraHosts(entries: readonly string[]): string[] {
  return entries.map((entry) => {
    const separator = entry.includes("=") ? "=" : ":";
    const at = entry.indexOf(separator);
    const name = entry.slice(0, at);
    const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
    if (at <= 0 || address === "") {
      throw failure("invalid-parameter", { message: `bad format for add-host: "${entry}"` });
    }
    if (address === "host-gateway")
      throw failure("not-implemented", { what: "--add-host with host-gateway" });
    return `${address}\t${name}`;
  });
}

/** /etc/hosts; with the host's network it begins with the host's own. */
export function hostsFile(host: HostConfig, hostFile: string): string {
  const base = host.NetworkMode === "host" ? [hostFile.trimEnd()] : loopback;
  return `${[...base, ...extraHosts(host.ExtraHosts ?? [])].join("\n")}\n`;
}

/** /etc/hostname: without the domain, as Docker has it. */
export function hostnameFile(config: Pick<ContainerConfig, "Hostname">): string {
  return config.Hostname === "" ? "" : `${config.Hostname}\n`;
}

/** /etc/resolv.conf: the host's, with what the container sets in place of it. */
export function resolvConf(host: HostConfig, hostFile: string): string {
  const { Dns: servers, DnsSearch: search, DnsOptions: options } = host;
  if (servers === null && search === null && options === null) return hostFile;
  const kept = (keyword: string): string[] =>
    hostFile.split("\n").filter((line) => line.trimStart().startsWith(`${keyword} `));
  const lines = [
    ...(servers === null || servers.length === 0
      ? kept("nameserver")
      : servers.map((server) => `nameserver ${server}`)),
    ...(search === null || search.length === 0
      ? kept("search")
      : search.includes(".")
        ? []
        : [`search ${search.join(" ")}`]),
    ...(options === null || options.length === 0 ? kept("options") : [`options ${options.join(" ")}`]),
  ];
  return `${lines.join("\n")}\n`;
}
