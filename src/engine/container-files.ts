/**
 * A container's own /etc/hosts, /etc/hostname and /etc/resolv.conf on disk: when each is written, and with what.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CWD, flags, mkdir, O, ProgramBuilder, write, type Program } from "../kernel/mod.ts";
import { hasResolver } from "./container-names.ts";
import type { Container } from "./container-store.ts";
import type { ContainerRecord } from "./container.ts";
import { hasOwnNetwork } from "./endpoint-requests.ts";
import { placesOf, type Place } from "./endpoints.ts";
import { hostnameFile, hostsFile, ownNames } from "./etc-files.ts";
import { makeFolder, type FolderFiles } from "./folders.ts";
import { linkLines } from "./links.ts";
import { bridgeResolvConf, hostResolvConf, reachableResolvConf, resolverResolvConf } from "./resolv-conf.ts";
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

/** A container's /etc/resolv.conf on these places; before it has any, by the network that it begins with. */
function resolvConfOf(
  { networks }: Services,
  { hostConfig }: ContainerRecord,
  places: readonly Place[],
): string {
  const { NetworkMode: mode } = hostConfig;
  const dns = networks.dnsOf(hostConfig);
  if (mode === "host") {
    const path = "/etc/resolv.conf";
    return hostResolvConf(dns, { path, text: readHost(path) });
  }
  const resolver = places.length === 0 ? mode !== "bridge" && hasOwnNetwork(mode) : hasResolver(places);
  if (resolver) return resolverResolvConf(dns, readHost("/etc/resolv.conf"));
  const ipv6 = places.some(({ endpoint }) => endpoint.ipv6 !== undefined);
  return bridgeResolvConf(dns, reachableResolvConf(readHost), ipv6);
}

/** The files that a container is made with. */
function filesOf(services: Services, record: ContainerRecord): FolderFiles {
  const { config } = record;
  return {
    hostname: { content: hostnameFile(config), mode: 0o644 },
    hosts: { content: hostsOf(services, record, []), mode: 0o644 },
    "resolv.conf": { content: resolvConfOf(services, record, []), mode: 0o644 },
  };
}

const localLogs = (folder: string): string => join(folder, "local-logs");

/** Makes the folder and the files of a container that is being made. */
export function folderProgram(services: Services, record: ContainerRecord): Program {
  const folder = services.paths.container(record.id);
  const b = new ProgramBuilder();
  makeFolder(b, folder, 0o710, filesOf(services, record));
  if (record.hostConfig.LogConfig.Type === "local")
    mkdir(b, "make the log's folder", CWD, localLogs(folder), 0o700);
  return b.build();
}

/** Makes again what is missing of a container's folder, and files that are empty; whether something was. */
export async function restoreFiles(services: Services, record: ContainerRecord): Promise<boolean> {
  const folder = services.paths.container(record.id);
  const logs = record.hostConfig.LogConfig.Type === "local" && !existsSync(localLogs(folder));
  const lost = Object.entries(filesOf(services, record)).filter(
    ([name, { content }]) => readHost(join(folder, name)) === "" && content !== "",
  );
  if (lost.length === 0 && !logs) return false;
  const b = new ProgramBuilder();
  mkdir(b, `make ${folder}`, CWD, folder, 0o710, { tolerate: ["EEXIST"] });
  const how = flags(O, "WRONLY", "CREAT", "TRUNC", "NOFOLLOW");
  for (const [name, { content, mode }] of lost)
    write(b, `write ${name}`, CWD, join(folder, name), content, { how, mode });
  if (logs) mkdir(b, "make the log's folder", CWD, localLogs(folder), 0o700);
  await services.executors.warm().run(b.build(), { doing: `restore the files of container ${record.id}` });
  return true;
}

/** Adds the writing of one of a container's files; whoever has it open or bound sees it. */
function addFile(
  b: ProgramBuilder,
  { paths }: Services,
  { id }: Container,
  name: string,
  content: string,
): void {
  const how = flags(O, "WRONLY", "CREAT", "TRUNC", "NOFOLLOW");
  write(b, `write its /etc/${name}`, CWD, `${paths.container(id)}/${name}`, content, { how, mode: 0o644 });
}

function addHosts(
  b: ProgramBuilder,
  services: Services,
  container: Container,
  places: readonly Place[],
): void {
  const links = linkLines(services, container);
  addFile(b, services, container, "hosts", hostsOf(services, container.record, places, links));
}

/** Adds the writing of what a start finds out anew: where names are asked for, and the container's addresses. */
export function addNetworkFiles(
  b: ProgramBuilder,
  services: Services,
  container: Container,
  places: readonly Place[],
): void {
  // Of the container whose network it has, it has the files too.
  if (container.record.hostConfig.NetworkMode.startsWith("container:")) return;
  addFile(b, services, container, "resolv.conf", resolvConfOf(services, container.record, places));
  if (places.length > 0) addHosts(b, services, container, places);
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
  const dns = services.networks.dnsOf(container.record.hostConfig);
  addFile(b, services, container, "resolv.conf", resolverResolvConf(dns, readHost("/etc/resolv.conf")));
  await services.executors.warm().run(b.build(), { doing: `write the resolv.conf of ${container.id}` });
}
