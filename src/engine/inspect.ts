/**
 * A container as Docker's JSON: whole (`inspect`) and in short (`ps`).
 * @module
 */
import { rangeMappings } from "../security/mod.ts";
import type { Container } from "./container-store.ts";
import { NEVER, type MountPoint } from "./container.ts";
import { legacyJson, networksJson, portMapJson } from "./endpoint-json.ts";
import type { Json } from "./engine.ts";
import { idRangeOf } from "./joins.ts";
import { linksJson } from "./links.ts";
import { portBindings } from "./republishing.ts";
import type { Services } from "./services.ts";

function mountJson(mount: MountPoint): Json {
  return {
    Type: mount.type,
    ...(mount.type === "volume" || mount.type === "image" ? { Name: mount.name ?? "" } : {}),
    Source: mount.source,
    Destination: mount.destination,
    ...(mount.type === "volume" ? { Driver: mount.driver ?? "local" } : {}),
    Mode: mount.mode,
    RW: mount.writable,
    Propagation: mount.type === "bind" || mount.type === "image" ? mount.propagation : "",
  };
}

/**
 * Its mount points. A tmpfs of `--tmpfs` is none for Docker; where an anonymous volume lies is told by inspect alone, as in
 * dockerd.
 */
export function mountsJson({ mounts }: Container["record"], listed: boolean): Json[] {
  return mounts
    .filter(({ fromFlag }) => fromFlag !== true)
    .map((mount) => (listed && mount.anonymous ? { ...mountJson(mount), Source: "" } : mountJson(mount)));
}

export interface InspectContext {
  readonly services: Services;
  readonly runningExecs: (container: Container) => string[];
}

/** `GET /containers/{id}/json` */
export async function inspectContainer(
  context: InspectContext,
  container: Container,
  size: boolean,
): Promise<Json> {
  const { services, runningExecs } = context;
  const { paths, storage, networks } = services;
  const { record, state, id } = container;
  const { config, hostConfig: host } = record;
  const execs = runningExecs(container);
  // Docker names its files from its first start on, though it failed.
  const started = state.startedAt !== NEVER || state.error !== "";
  const own = (name: string): string =>
    started ? `${paths.container(filesOwner(record) ?? id)}/${name}` : "";
  const plan = storage.plan(id, record.chain);
  const sandbox = sandboxOf(container);
  return {
    Id: id,
    Created: record.created,
    Path: record.path,
    Args: record.args,
    State: {
      Status: state.status,
      Running: container.active,
      Paused: state.status === "paused",
      Restarting: state.status === "restarting",
      OOMKilled: state.oomKilled,
      Dead: state.status === "dead",
      Pid: state.pid,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
      ...healthJson(state),
    },
    Image: record.imageId,
    ResolvConfPath: own("resolv.conf"),
    HostnamePath: own("hostname"),
    HostsPath: own("hosts"),
    LogPath: started && host.LogConfig.Type === "json-file" ? paths.log(id) : "",
    Name: `/${container.name}`,
    RestartCount: state.restartCount,
    Driver: storage.name,
    Platform: record.platform,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: execs.length === 0 ? null : execs,
    HostConfig: {
      ...host,
      PortBindings: portBindings(container),
      Links: linksJson(services.store, container),
    },
    GraphDriver: {
      Name: storage.name,
      Data:
        plan.kind === "overlay"
          ? {
              ID: id,
              LowerDir: plan.lower.join(":"),
              UpperDir: plan.upper,
              WorkDir: plan.work,
              MergedDir: "",
            }
          : null,
    },
    ...(size ? await containerSizes(services, container) : {}),
    Mounts: mountsJson(record, false),
    Config: config,
    NetworkSettings: {
      Bridge: "",
      SandboxID: sandbox === "" ? "" : id,
      SandboxKey: sandbox,
      Ports: portMapJson(networks.store, container),
      HairpinMode: false,
      LinkLocalIPv6Address: "",
      LinkLocalIPv6PrefixLen: 0,
      SecondaryIPAddresses: null,
      SecondaryIPv6Addresses: null,
      ...legacyJson(networks.store, container),
      Networks: networksJson(networks.store, container, true),
    },
    // Not Docker's: which ids the container has on the host, and why.
    UserNamespace: {
      Mode: record.userNamespace.mode,
      Reason: record.userNamespace.reason,
      ...hostRange(services, record),
    },
  };
}

/** Absent without a healthcheck: clients take its presence for one. */
function healthJson({ health }: Container["state"]): Json {
  if (health === undefined) return {};
  const { status, failingStreak, log } = health;
  return { Health: { Status: status, FailingStreak: failingStreak, Log: log } };
}

/** The network namespace by a path, as long as there is a process in it. */
function sandboxOf(container: Container): string {
  const { pid } = container.state;
  const joins = container.record.hostConfig.NetworkMode.startsWith("container:");
  return container.running && pid > 0 && !joins ? `/proc/${pid}/ns/net` : "";
}

/** First id on the host and how many there are. */
function hostRange(services: Services, record: Container["record"]): Json {
  const range = idRangeOf(services, record);
  const mapping = range === undefined ? undefined : rangeMappings(range)[0];
  return mapping === undefined ? {} : { HostID: mapping.hostId, Size: mapping.size };
}

/** Whose hosts, hostname and resolv.conf a container has: those of the one whose network it joins. */
function filesOwner({ hostConfig }: Container["record"]): string | undefined {
  return hostConfig.NetworkMode.startsWith("container:")
    ? hostConfig.NetworkMode.slice("container:".length)
    : undefined;
}

/** What it wrote and its whole root, in bytes. */
export async function containerSizes({ storage }: Services, { id, record }: Container): Promise<Json> {
  const [own, ...layers] = await Promise.all([
    storage.containerSize(id),
    ...record.chain.map((chainId) => storage.layerSize(chainId)),
  ]);
  const written = own ?? 0;
  return { SizeRw: written, SizeRootFs: layers.reduce((sum, layer) => sum + layer, written) };
}
