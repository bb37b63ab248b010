/**
 * Making a container: everything is decided and checked, then written down in one transaction. Nothing runs yet.
 * @module
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { failure } from "../errors/mod.ts";
import { allocateRange, rangeMappings } from "../security/mod.ts";
import { isPredefined } from "../network/mod.ts";
import type { Owner } from "../storage/mod.ts";
import { commandLine, mergeConfig } from "./config-merge.ts";
import { folderProgram } from "./container-files.ts";
import { Container } from "./container-store.ts";
import { wantedPorts } from "./endpoints.ts";
import type { ContainerConfig, CreateBody, HostConfig } from "./container-types.ts";
import { newState, type ContainerLink, type ContainerNetwork, type ContainerRecord } from "./container.ts";
import { discardLimits } from "./discarded-limits.ts";
import { containerNetworks, hasOwnNetwork } from "./endpoint-requests.ts";
import type { CreateRequest } from "./engine.ts";
import { hostsFile } from "./etc-files.ts";
import { checkHealthcheck, healthcheckWarnings } from "./healthcheck.ts";
import { checkHostConfig, completeHostConfig, hostWarnings } from "./host-config.ts";
import { findJoin, idRangeOf, joinedFor, resolveModes } from "./joins.ts";
import { checkLogFiles, checkLogOptions, checkLogStart, logWarnings } from "./logging/options.ts";
import { unmappableMount, prepareMounts, wantedMounts } from "./container-mounts.ts";
import { readLinks } from "./links.ts";
import type { WantedMount } from "./mount-requests.ts";
import { checkName, randomName } from "./names.ts";
import { removeNameless } from "./run-traces.ts";
import { cgroupOf } from "./runtime-context.ts";
import type { NetworkContext } from "./network-context.ts";
import { checkSecurityOptions } from "./seccomp.ts";
import type { Services } from "./services.ts";
import { signalNumber } from "./signals.ts";
import { formatTime, now } from "./time.ts";
import type { ResolvedImage } from "./image-types.ts";
import { chooseUserNamespace } from "./user-namespace.ts";
import { fillVolumes, volumesToFill } from "./volume-copy-up.ts";

/** A container that is decided but not yet made. */
export interface Draft {
  readonly record: ContainerRecord;
  readonly name: string;
  /** The networks that it will be on. */
  readonly networks: readonly ContainerNetwork[];
  readonly links: readonly ContainerLink[];
  /** Its mounts with what new volumes are made with. */
  readonly mounts: readonly WantedMount[];
  readonly warnings: string[];
}

/** Decides everything about the container that `request` asks for. Changes nothing. */
export async function draftContainer(services: Services, request: CreateRequest): Promise<Draft> {
  const draft = await decide(services, request, imageOf(services, request));
  return { ...draft, record: { ...draft.record, ...freeRange(services, draft.record) } };
}

/** An id range of its own, unless it has the host's ids or those of a container that it joins. */
function freeRange({ store }: Services, { userNamespace }: ContainerRecord): { readonly idRange?: number } {
  return userNamespace.mode === "private" ? { idRange: allocateRange(store.ranges()) } : {};
}

function imageOf({ images }: Services, { body: { Image: name }, platform }: CreateRequest): ResolvedImage {
  if (name === undefined || name === "")
    throw failure("invalid-parameter", { message: "no image specified" });
  return images.resolve(name, platform);
}

/** Everything but the id range. */
async function decide(services: Services, request: CreateRequest, image: ResolvedImage): Promise<Draft> {
  const { store, defaults, seccomp, options } = services;
  const { body } = request;
  if (request.name !== undefined) checkName(request.name);
  const id = newId();
  const warnings: string[] = [];
  const complete = discardLimits(completeHostConfig(body, defaults), defaults.limits, warnings);
  const host = settleNetwork(resolveModes(store, complete), body, services.networks);
  checkHostConfig(host, defaults);
  checkLogOptions(host.LogConfig);
  await checkLogFiles(services.hostPaths, host.LogConfig);
  warnings.push(...logWarnings(host.LogConfig));
  warnings.push(...hostWarnings(host));
  checkHostname(body, host);
  if (host.NetworkMode.startsWith("container:") && Object.keys(body.ExposedPorts ?? {}).length > 0) {
    const message = "conflicting options: port exposing and the container type network mode";
    throw failure("invalid-parameter", { message });
  }
  checkHealthcheck(body.Healthcheck);
  checkSecurityOptions(host.SecurityOpt ?? [], seccomp, host);
  if (body.WorkingDir !== undefined && body.WorkingDir !== "" && !body.WorkingDir.startsWith("/")) {
    const message = `the working directory '${body.WorkingDir}' is invalid, it needs to be an absolute path`;
    throw failure("invalid-parameter", { message });
  }
  const join = findJoin(store, host);
  const named = joinedFor(join, "network")?.record.config;
  const ownName = host.NetworkMode === "host" ? hostname() : id.slice(0, 12);
  const config = {
    ...mergeConfig(body, image.defaults, named?.Hostname ?? ownName),
    ...(named === undefined ? {} : { Domainname: named.Domainname }),
  };
  warnings.push(...healthcheckWarnings(config));
  if (config.StopSignal !== undefined) signalNumber(config.StopSignal);
  const wanted = await wantedMounts(services, config, host);
  const { mounts } = wanted;
  // Texts are checked now, so that a bad one isn't found at start.
  const own = { hostFile: "", gateway: services.networks.hostGateway(), addresses: [], names: "" };
  hostsFile(host, own);
  checkPorts(config, host, warnings);
  const networks = containerNetworks(body, host, (name) => services.networks.store.lookUp(name));
  const userNamespace = chooseUserNamespace(host, {
    byDefault: options.userns,
    unmappableLayers: await services.idmaps.unsupportedHere(options.dataRoot),
    unmappableSource: await unmappableMount(services, wanted),
    ...(join === undefined ? {} : { joinsPrivate: join.target.record.userNamespace.mode !== "host" }),
  });
  const links = readLinks(store, host);
  const [path = "", ...args] = commandLine(config);
  const record: ContainerRecord = {
    id,
    created: formatTime(now()),
    path,
    args,
    imageId: image.id,
    chain: image.chain,
    config,
    hostConfig: host,
    networking: body.NetworkingConfig ?? {},
    mounts,
    userNamespace,
    platform: image.os,
  };
  // A bad parent is refused now, not at start.
  cgroupOf(services, record);
  const name = request.name ?? freeName(services);
  checkLogStart(host.LogConfig, { record, name });
  return { record, name, networks, links, mounts, warnings };
}

/** Makes the container that `request` asks for; it can be started then. */
export async function createContainer(
  services: Services,
  request: CreateRequest,
): Promise<{ container: Container; warnings: string[] }> {
  const { store, images } = services;
  const image = imageOf(services, request);
  // Nobody removes layers before a row refers to them.
  using kept = new DisposableStack();
  kept.use(images.keep(image));
  const draft = await decide(services, request, image);
  for (const { image: mounted } of draft.record.mounts)
    if (mounted !== undefined) kept.use(images.keep(mounted));
  // Who is killed here leaves folders that no row names: the next start of the engine sweeps them.
  if (request.name !== undefined) store.checkName(request.name);
  await using prepared = await prepareMounts(services, draft.record, draft.mounts);
  const decided = { ...draft.record, userNamespace: prepared.userNamespace };
  // Nobody else gets the range before the row names it.
  const { idRange } = freeRange(services, decided);
  if (idRange !== undefined) store.reserved.add(idRange);
  try {
    const record: ContainerRecord = {
      ...decided,
      mounts: prepared.mounts,
      ...(idRange === undefined ? {} : { idRange }),
    };
    const container = await settled(services, record, () => {
      const { networks, links } = draft;
      // Found now: one that was found before may be taken by a container that was made meanwhile.
      const name = request.name ?? freeName(services);
      const made = new Container(record, name, {
        ...newState(),
        networks,
        ...(links.length === 0 ? {} : { links }),
        ...(volumesToFill(record).length === 0 ? {} : { filling: true as const }),
      });
      store.add(made, () => {
        prepared.insert();
      });
      return made;
    });
    await fillVolumes(services, container);
    return { container, warnings: draft.warnings };
  } finally {
    if (idRange !== undefined) store.reserved.delete(idRange);
  }
}

/** Makes a container's folders and has `add` write its row; what fails leaves no folder. */
async function settled(
  services: Services,
  record: ContainerRecord,
  add: () => Container,
): Promise<Container> {
  const { executors, storage } = services;
  const made = await Promise.allSettled([
    executors.warm().run(folderProgram(services, record), { doing: "create container" }),
    storage.prepare(record.id, record.chain, rootOwner(services, record)),
  ]);
  try {
    for (const each of made) if (each.status === "rejected") throw each.reason;
    return add();
  } catch (error) {
    void removeNameless(services, record.id);
    throw error;
  }
}

/** Who owns the top of the container's root on the host. */
export function rootOwner(services: Services, record: ContainerRecord): Owner {
  const range = idRangeOf(services, record);
  const hostId = range === undefined ? 0 : (rangeMappings(range)[0]?.hostId ?? 0);
  return { uid: hostId, gid: hostId };
}

function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString("hex");
    // Docker: the short form must not look like a number, since it becomes the host name.
    if (!/^\d+$/.test(id.slice(0, 12))) return id;
  }
}

function freeName({ store }: Services): string {
  for (let attempt = 0; ; attempt++) {
    const name = randomName(attempt);
    if (store.byName(name) === undefined) return name;
  }
}

/** The mode with its default settled. Links on a network of a user's belong to the place there, as Docker has it. */
function settleNetwork(host: HostConfig, body: CreateBody, { options, store }: NetworkContext): HostConfig {
  const { NetworkMode: mode } = host;
  if (body.NetworkDisabled === true) return { ...host, NetworkMode: "none" };
  if (mode === "default") return { ...host, NetworkMode: options.bridge === "none" ? "none" : "bridge" };
  const theirs = hasOwnNetwork(mode) && !isPredefined(store.lookUp(mode)?.name ?? mode);
  return theirs ? { ...host, Links: null } : host;
}

/** Ports are checked now, so that a wrong one isn't found at start. */
function checkPorts(config: ContainerConfig, host: HostConfig, warnings: string[]): void {
  if (wantedPorts(config, host).length > 0 && host.NetworkMode === "host") {
    warnings.push("Published ports are discarded when using host network mode");
  }
}

function checkHostname({ Hostname: hostname = "" }: CreateBody, host: HostConfig): void {
  if (hostname.length > 64) {
    throw failure("invalid-parameter", {
      message: `invalid hostname: ${hostname}: it is longer than 64 bytes`,
    });
  }
  if (hostname === "") return;
  const conflict = (why: string): never => {
    throw failure("invalid-parameter", { message: `conflicting options: hostname and the ${why} mode` });
  };
  if (host.UTSMode === "host") conflict("UTS");
  if (host.NetworkMode.startsWith("container:")) conflict("network");
}
