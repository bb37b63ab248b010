/**
 * From a container to the program that starts it: config.json, its layers, its cgroup, its filter. Reads what it must of
 * the host, changes nothing.
 * @module
 */
import { statSync } from "node:fs";
import type { Cgroup, DeviceRule, Resources } from "../cgroup/mod.ts";
import { CompiledPrograms, type CompileContext, type NetworkPlan, type Spec } from "../runtime/mod.ts";
import type { Program } from "../kernel/mod.ts";
import { resolveUser, type ResolvedUser } from "../security/mod.ts";
import type { RootPlan } from "../storage/mod.ts";
import { checkPropagation } from "./bind-propagation.ts";
import { hostSource, lookAtSources } from "./bind-sources.ts";
import type { Injected } from "./cdi/inject.ts";
import type { ContainerRecord } from "./container.ts";
import { cdiNames } from "./device-requests.ts";
import { hostDevice, lookAtDevices, namedDevices } from "./host-devices.ts";
import { readMountinfo } from "./host-mounts.ts";
import type { FoundPaths } from "./host-paths.ts";
import { findJoin, idRangeOf, joinedFor, requireJoinable } from "./joins.ts";
import { makeSpec, processCapabilities } from "./oci-spec.ts";
import { containerResources } from "./resources.ts";
import type { Services } from "./services.ts";

/** /etc/passwd and /etc/group are read up to here (CVE-2026-47262). */
const usersLimit = 10 << 20;

/** Everything that starting a container takes. */
export interface Launch {
  readonly spec: Spec;
  readonly program: Program;
}

/** Resolves a user string by the container's own files. */
export async function containerUser(
  services: Services,
  plan: RootPlan,
  user: string,
  groups: readonly string[],
): Promise<ResolvedUser> {
  const [passwd, group] = await Promise.all([
    services.storage.readFile(plan, "/etc/passwd", usersLimit),
    services.storage.readFile(plan, "/etc/group", usersLimit),
  ]);
  const text = (content: Uint8Array | undefined): string | undefined =>
    content === undefined ? undefined : new TextDecoder().decode(content);
  return resolveUser(user, { passwd: text(passwd), group: text(group) }, groups);
}

const programs = new CompiledPrograms();
const located = new WeakMap<ContainerRecord, Cgroup>();

/**
 * Where the container's cgroup lies, below the parent that it or the engine names. Fails with `invalid-parameter` for a
 * parent that the driver can't have.
 */
export function cgroupOf(services: Services, record: ContainerRecord): Cgroup {
  const known = located.get(record);
  if (known !== undefined) return known;
  const { cgroups, options } = services;
  const parent = record.hostConfig.CgroupParent || options.cgroupParent || cgroups.defaultParent;
  const cgroup = cgroups.locate(parent, record.id);
  located.set(record, cgroup);
  return cgroup;
}

/**
 * What is missing is taken for what it was or will be, so that the program is the one that is explained: a file of
 * `folder`, the container's own, is made with the container.
 */
function isDirectory({ mounts }: ContainerRecord, folder: string, path: string, found: FoundPaths): boolean {
  const known = found.get(path);
  if (known !== undefined) return known.directory;
  const named = mounts.filter((mount) => mount.source === path);
  // Nobody waits here for what a user has named: it was looked for.
  if (named.some((mount) => hostSource(mount) === path)) return named.every(({ file }) => file !== true);
  const file = path.startsWith(`${folder}/`);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? !file;
}

/** The container with devices of the Container Device Interface, whose code is loaded for who has some. */
async function withDevices(
  { hostPaths, options }: Services,
  spec: Spec,
  devices: readonly string[],
): Promise<Injected> {
  const [{ injectDevices, injectedPaths }, { readCdiFolders }] = await Promise.all([
    import("./cdi/inject.ts"),
    import("./cdi/specs.ts"),
  ]);
  const registry = await readCdiFolders(options.cdiSpecDirs, hostPaths);
  const files = await lookAtDevices(hostPaths, injectedPaths(devices, registry));
  const idmap = spec.linux.uidMappings !== undefined;
  return injectDevices(spec, devices, registry, idmap, (path) => hostDevice(path, files));
}

/** What the cgroup allows with the devices that were injected. */
function withRules(resources: Resources, rules: readonly DeviceRule[]): Resources {
  return rules.length === 0 ? resources : { ...resources, devices: [...(resources.devices ?? []), ...rules] };
}

/** Compiles the start of a container. `plan` is where its root comes from, `network` what its network is made by. */
export async function prepareLaunch(
  services: Services,
  record: ContainerRecord,
  plan: RootPlan,
  network: NetworkPlan | undefined,
  linked: readonly string[] = [],
): Promise<Launch> {
  const { facts, options, paths, seccomp, store } = services;
  const { config, hostConfig: host } = record;
  const sources = await lookAtSources(services, record.mounts);
  checkPropagation(record.mounts, sources, readMountinfo);
  const user = await containerUser(services, plan, config.User, host.GroupAdd ?? []);
  const cgroup = cgroupOf(services, record);
  const join = findJoin(store, host);
  if (join !== undefined) requireJoinable(join);
  const filesOf = joinedFor(join, "network")?.id ?? record.id;
  const files = await lookAtDevices(services.hostPaths, namedDevices(host));
  const ipc = joinedFor(join, "ipc");
  const ulimits = options.defaultUlimits.map(({ Name, Soft, Hard }) => ({
    type: `RLIMIT_${Name.toUpperCase()}`,
    soft: Soft,
    hard: Hard,
  }));
  const capabilities = processCapabilities(host, user.uid, facts.capabilities, host.Privileged);
  const filter = seccomp.filter(host, capabilities.bounding ?? []);
  const devices = cdiNames(host);
  const plain = makeSpec(record, {
    user,
    directory: paths.container(filesOf),
    devices: files,
    capabilities: facts.capabilities,
    cgroupsPath: cgroup.path,
    joinedRange: idRangeOf(services, record),
    noNewPrivileges: options.noNewPrivileges,
    ulimits,
    linked,
    ...(ipc === undefined ? {} : { ipcOf: ipc.state.pid }),
    layerPaths: (chain) => services.storage.layerPaths(chain),
  });
  const { spec, rules } =
    devices.length === 0 ? { spec: plain, rules: [] } : await withDevices(services, plain, devices);
  const resources = containerResources(host, files);
  const complete: Spec =
    filter === undefined ? spec : { ...spec, linux: { ...spec.linux, seccomp: filter.oci } };
  const context: CompileContext = {
    id: record.id,
    spec: complete,
    // What a container writes that removes itself is never read again.
    root: host.AutoRemove && plan.kind === "overlay" ? { ...plan, volatile: true } : plan,
    cgroup: { driver: services.cgroups, cgroup, resources: withRules(resources, rules) },
    isDirectory: (source) => isDirectory(record, paths.container(filesOf), source, sources),
    ...(network === undefined ? {} : { network }),
    openStdin: config.OpenStdin,
    init: host.Init ?? options.init,
    lastCapability: facts.lastCapability,
    ...(join === undefined
      ? {}
      : {
          join: {
            pid: join.target.state.pid,
            namespaces: new Set([
              ...join.namespaces,
              ...(join.target.record.userNamespace.mode === "host" ? [] : ["user"]),
            ]),
            others: (join.others ?? []).map(({ target, namespaces }) => ({
              pid: target.state.pid,
              namespaces: new Set(namespaces),
            })),
          },
        }),
    ...(filter === undefined ? {} : { seccomp: { filter: filter.filter, flags: filter.flags } }),
  };
  return { spec: complete, program: programs.compile(context) };
}
