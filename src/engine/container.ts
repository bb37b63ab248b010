/**
 * A container as the engine keeps it: what was asked for, what became of it. The configuration never changes after
 * create but for its name; the state changes with its life and is written through to the database.
 * @module
 */
import type { Health } from "./healthcheck.ts";
import type { ContainerConfig, EndpointSettings, HostConfig, NetworkingConfig } from "./container-types.ts";

/** A mount of a container, decided at create. */
export interface MountPoint {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  /** Name of the volume, or what the image was called. */
  readonly name?: string;
  /** On the host; empty of a tmpfs. Of a volume the folder that stands for it, of an image its topmost layer. */
  readonly source: string;
  readonly destination: string;
  readonly driver?: string;
  /** As it was given: `z`, `ro,noexec`; Docker shows it. */
  readonly mode: string;
  readonly writable: boolean;
  readonly propagation: string;
  /** A bind takes what is mounted below its source too. */
  readonly recursive: boolean;
  /** Below it everything is read-only as well. */
  readonly recursiveReadOnly: boolean;
  /** Removed with its container (`docker rm -v`, `--rm`). */
  readonly anonymous: boolean;
  /** The source must exist already: `--mount` says so, `-v` makes it. */
  readonly mustExist: boolean;
  /** A bind of what was no directory when the container was made. */
  readonly file?: boolean;
  /** A new volume takes what the image has there. */
  readonly copyUp: boolean;
  /** The path inside of the volume or the image that is mounted; undefined: the whole. */
  readonly subpath?: string;
  readonly tmpfsOptions: readonly string[];
  /** A tmpfs of `--tmpfs`: not one of Docker's mount points. */
  readonly fromFlag?: boolean;
  /** What is mounted as a volume in place of its folder. */
  readonly backing?: VolumeBacking;
  /** While it starts: the mount namespace that has the volume as its root. */
  readonly namespace?: string;
  /** The image that is mounted: its id and its layers, lowest first. */
  readonly image?: { readonly id: string; readonly chain: readonly string[] };
}

/** A file system that a volume of the local driver is mounted from: its options `type`, `device` and `o`. */
export interface VolumeBacking {
  readonly type: string;
  readonly device: string;
  readonly options: readonly string[];
}

/** Whether a container has a user namespace of its own, and why (or why not). `inspect` shows it. */
export interface UserNamespaceChoice {
  readonly mode: "private" | "host" | "container";
  readonly reason: string;
}

/** Everything that was decided when the container was made. */
export interface ContainerRecord {
  readonly id: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly imageId: string;
  /** Chain IDs of the image's layers, lowest first. */
  readonly chain: readonly string[];
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networking: NetworkingConfig;
  readonly mounts: readonly MountPoint[];
  /** Index of its range of ids (src/security/idmap.ts). */
  readonly idRange?: number;
  readonly userNamespace: UserNamespaceChoice;
  readonly platform: string;
}

/** A network that a container is on whenever it runs. */
export interface ContainerNetwork {
  /** Name of the network; what the client called it, as long as there is none. */
  readonly name: string;
  readonly settings: EndpointSettings;
}

/** A link of the default bridge: `--link name:alias`. */
export interface ContainerLink {
  readonly id: string;
  /** What the container was called then; told when it is gone. */
  readonly name: string;
  readonly alias: string;
}

export type Status = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

/** What changes. Times are RFC 3339 with nanoseconds; Go's zero time where there is none. */
export interface ContainerState {
  status: Status;
  pid: number;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  startedAt: string;
  finishedAt: string;
  restartCount: number;
  /** Somebody stopped it: restart policies hold still. */
  manuallyStopped: boolean;
  /** Of one with a healthcheck, since its first start. */
  health?: Health;
  /** What was before an update that the cgroup may not have been told of. */
  updating?: Partial<HostConfig>;
  /** Changed by connect and disconnect. */
  networks: readonly ContainerNetwork[];
  /** Ports that are published in the place of those that it was made with. */
  ports?: NonNullable<HostConfig["PortBindings"]>;
  /** Inodes of the mount namespaces of its volatile volumes, by name, of its last run. */
  shared?: Readonly<Record<string, number>>;
  /** What it knows others by on the default bridge. */
  links?: readonly ContainerLink[];
  /** Whether names are answered in it, for as long as it runs. */
  relay?: boolean;
  /** The engine paused it to read it. */
  standstill?: true;
  /** It is being made: its new volumes take what the image has. */
  filling?: true;
}

/** Go's zero time, Docker's "never". */
export const NEVER = "0001-01-01T00:00:00Z";

/** The state of a container that was just made. */
export function newState(): ContainerState {
  return {
    status: "created",
    pid: 0,
    exitCode: 0,
    error: "",
    oomKilled: false,
    startedAt: NEVER,
    finishedAt: NEVER,
    restartCount: 0,
    manuallyStopped: false,
    networks: [],
  };
}
