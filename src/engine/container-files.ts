/**
 * A container's own /etc/hosts, /etc/hostname and /etc/resolv.conf on disk: when each is written, and with what.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { CWD, flags, mkdir, O, ProgramBuilder, write, type Program } from "../kernel/mod.ts";
import type { Container } from "./container-store.ts";
import type { ContainerRecord } from "./container.ts";
import { hasOwnNetwork } from "./endpoint-requests.ts";
import { placesOf, type Place } from "./endpoints.ts";
import { hostnameFile, hostsFile, ownNames, resolvConf } from "./etc-files.ts";
import { makeFolder } from "./folders.ts";
import type { DnsSettings } from "./network-context.ts";
import { linkLines } from "./links.ts";
import { bridgeResolvConf, resolverResolvConf } from "./resolv-conf.ts";
import type { Services } from "./services.ts";

const readHost = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** A container's /etc/hosts with its addresses on these places. */
function hostsOf(
  { networks }: Services,
  { hostConfig, config }: ContainerRecord,
  places: readonly Place[],
  links: readonly string[] = [],
): string {
  return hostsFile(hostConfig, {
    links,
    hostFile: hostConfig.NetworkMode === "host" ? readHost("/etc/hosts") : "",
    gateway: networks.hostGateway(),
    addresses: places.flatMap(({ endpoint: { ipv4, ipv6 } }) => [ipv4 ?? [], ipv6 ?? []].flat()),
    names: ownNames(config),
  });
}

/** /etc/resolv.conf by the network that the container begins with. */
function resolvConfOf(mode: string, dns: DnsSettings): string {
  const file = readHost("/etc/resolv.conf");
  if (mode === "bridge") return bridgeResolvConf(dns, file);
  return hasOwnNetwork(mode) ? resolverResolvConf(dns, file) : resolvConf(dns, file);
}

/** Makes the folder and the files of a container that is being made. */
export function folderProgram(services: Services, record: ContainerRecord): Program {
  const { paths, networks } = services;
  const { id, config, hostConfig } = record;
  const b = new ProgramBuilder();
  makeFolder(b, paths.container(id), 0o710, {
    hostname: { content: hostnameFile(config), mode: 0o644 },
    hosts: { content: hostsOf(services, record, []), mode: 0o644 },
    "resolv.conf": {
      content: resolvConfOf(hostConfig.NetworkMode, networks.dnsOf(hostConfig)),
      mode: 0o644,
    },
  });
  if (hostConfig.LogConfig.Type === "local")
    mkdir(b, "make the log's folder", CWD, `${paths.container(id)}/local-logs`, 0o700);
  return b.build();
}

/** Adds the writing of a container's /etc/hosts; whoever has the file open or bound sees it. */
export function addHosts(
  b: ProgramBuilder,
  services: Services,
  container: Container,
  places: readonly Place[],
): void {
  const { id, record } = container;
  const path = `${services.paths.container(id)}/hosts`;
  const how = flags(O, "WRONLY", "CREAT", "TRUNC", "NOFOLLOW");
  write(
    b,
    "write its /etc/hosts",
    CWD,
    path,
    hostsOf(services, record, places, linkLines(services, container)),
    { how, mode: 0o644 },
  );
}

/** Writes the /etc/hosts of a container that runs, after its places have changed. */
export async function writeHosts(services: Services, container: Container): Promise<void> {
  const b = new ProgramBuilder();
  addHosts(b, services, container, placesOf(services, container));
  await services.executors.warm().run(b.build(), { doing: `write the hosts of container ${container.id}` });
}

/** Writes the /etc/resolv.conf of a container in which names are answered from now on. */
export async function writeResolvConf(services: Services, container: Container): Promise<void> {
  const b = new ProgramBuilder();
  const path = `${services.paths.container(container.id)}/resolv.conf`;
  const dns = services.networks.dnsOf(container.record.hostConfig);
  const content = resolverResolvConf(dns, readHost("/etc/resolv.conf"));
  const how = flags(O, "WRONLY", "TRUNC", "NOFOLLOW");
  write(b, "write its /etc/resolv.conf", CWD, path, content, { how, mode: 0o644 });
  await services.executors.warm().run(b.build(), { doing: `write the resolv.conf of ${container.id}` });
}
