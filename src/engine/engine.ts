/**
 * What the engine offers to the API: the daemon's whole surface, in plain data and streams. Answers are Docker's JSON
 * objects in the newest version that is claimed; what older versions saw differently is the API's table of transforms.
 * Every method throws errors of the registry.
 * @module
 */
import type { Duplex, Readable } from "node:stream";
import type { CreateBody, UpdateBody } from "./container-types.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import type { PeerCredentials } from "./peer-credentials.ts";
import type { ConnectBody, DisconnectBody, NetworkBody } from "./network-types.ts";
import type { ServiceState } from "./service-manager.ts";

/** A JSON object of Docker's API. */
export type Json = { readonly [key: string]: unknown };

/** Filters of a list: name → values. The API has decoded both of Docker's spellings; the engine checks the names. */
export type Filters = ReadonlyMap<string, readonly string[]>;

export interface CreateRequest {
  /** Without the slash; undefined: the engine finds one. */
  readonly name?: string;
  readonly platform?: string;
  readonly body: CreateBody;
}

/** Both ways of a container's or an exec's process. */
export interface Attachment {
  /** With a terminal output is raw; else it comes in Docker's frames of 8 bytes and payload. */
  readonly tty: boolean;
  /** Output is read from it, input is written to it; ending it ends input. It ends when output has ended. */
  readonly stream: Duplex;
  /** Of an exec: the `DetachKeys` that it was made with. */
  readonly detachKeys?: string;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Output from now on. */
  readonly stream: boolean;
  /** What was logged so far, first. */
  readonly logs: boolean;
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** Nanoseconds since the epoch. */
  readonly since?: bigint;
  readonly until?: bigint;
  /** Lines from the end; undefined: all. */
  readonly tail?: number;
}

export interface Logs {
  /** Then the bytes are raw; else in Docker's frames. */
  readonly tty: boolean;
  readonly stream: Readable;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

export interface WaitAnswer {
  readonly StatusCode: number;
  readonly Error?: { readonly Message: string };
}

/** Somebody who waits. */
export interface Waiting {
  readonly done: Promise<WaitAnswer>;
}

/** Containers. `name` is whatever a client may call one by: name, id, beginning of an id. */
export interface Containers {
  create(request: CreateRequest): Promise<{ Id: string; Warnings: string[] }>;
  /** The program that starting this container would run, printed; nothing is made. */
  explain(request: CreateRequest): Promise<string>;
  list(options: { all: boolean; limit: number; size: boolean; filters: Filters }): Promise<Json[]>;
  inspect(name: string, size: boolean): Promise<Json>;
  /** Resolves to false if it runs already. */
  start(name: string): Promise<boolean>;
  /** Resolves to false if it is stopped already. `timeout` in seconds, -1: for ever. */
  stop(name: string, options: { signal?: string; timeout?: number }): Promise<boolean>;
  restart(name: string, options: { signal?: string; timeout?: number }): Promise<void>;
  kill(name: string, signal: string): Promise<void>;
  pause(name: string): Promise<void>;
  unpause(name: string): Promise<void>;
  rename(name: string, to: string): Promise<void>;
  /** Registered when this has returned or resolved; `done` resolves when the condition is met. */
  wait(name: string, condition: WaitCondition): Waiting | Promise<Waiting>;
  remove(name: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void>;
  prune(filters: Filters): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>;
  top(name: string, psArguments: string): Promise<{ Titles: string[]; Processes: string[][] }>;
  /**
   * What it uses, in lines of Docker's JSON, as text for the sake of numbers beyond 2^53 and of 500 lines a second. `oneShot`:
   * one look; else one for each second, each with the processors' counters of the one before.
   */
  stats(
    name: string,
    options: { stream: boolean; oneShot: boolean; signal: AbortSignal },
  ): Promise<AsyncIterable<string>>;
  logs(name: string, options: LogOptions): Promise<Logs>;
  attach(name: string, options: AttachOptions): Promise<Attachment>;
  /** A client left by its detach keys. */
  detached(name: string): void;
  resize(name: string, rows: number, columns: number): Promise<void>;
  /** Changes limits and restart policy, and what Docker can't: ports, labels, healthcheck. Of a running container at once. */
  update(name: string, body: UpdateBody): Promise<{ Warnings: string[] | null }>;
}

/** What is at a path of a container; fields as in Docker's `X-Docker-Container-Path-Stat`. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Go's FileMode. */
  readonly mode: number;
  /** RFC 3339. */
  readonly mtime: string;
  /** Where a symbolic link leads in the end. */
  readonly linkTarget: string;
}

/** What a container shall become an image with. */
export interface CommitRequest {
  readonly repository?: string;
  readonly tag?: string;
  readonly author?: string;
  readonly comment?: string;
  /** A running container stands still while it is read. */
  readonly pause: boolean;
  /** Dockerfile instructions that change the configuration. */
  readonly changes: readonly string[];
  /** In place of the container's own; what it doesn't say is the container's. */
  readonly config?: CreateBody;
}

/** The files of containers. */
export interface Files {
  stat(container: string, path: string): Promise<PathStat>;
  /** The file or tree at the path as a tar archive. */
  read(container: string, path: string): Promise<{ readonly stat: PathStat; readonly archive: Readable }>;
  /** Extracts a tar archive, which may be compressed, into the directory at the path. */
  extract(
    container: string,
    path: string,
    archive: Readable,
    options: { readonly copyUIDGID: boolean; readonly noOverwriteDirNonDir: boolean },
  ): Promise<void>;
  /** What was changed in the image's root: 0 modified, 1 added, 2 deleted; null: nothing. */
  changes(container: string): Promise<{ readonly Path: string; readonly Kind: 0 | 1 | 2 }[] | null>;
  /** The root as a tar archive, without what is mounted in it. */
  export(container: string): Promise<Readable>;
  /** Makes an image of it. */
  commit(container: string, request: CommitRequest): Promise<{ readonly Id: string }>;
}

export interface ExecBody {
  readonly AttachStdin?: boolean;
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  readonly DetachKeys?: string;
  readonly Tty?: boolean;
  readonly ConsoleSize?: readonly [number, number] | null;
  readonly Env?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Privileged?: boolean;
  readonly User?: string;
  readonly WorkingDir?: string;
}

/** Processes started in running containers. */
export interface Execs {
  /** `check` looks at what nobody is told of who names a container that can't have one. */
  create(container: string, body: ExecBody, check?: () => void): Promise<{ Id: string }>;
  /** Starts it; with `detach` there is no attachment. `admitted` is told when it may start, and whether it has a terminal. */
  start(
    id: string,
    options: {
      detach: boolean;
      tty: boolean;
      consoleSize?: readonly [number, number];
      admitted?: (tty: boolean) => void;
    },
  ): Promise<Attachment | undefined>;
  inspect(id: string): Promise<Json>;
  resize(id: string, rows: number, columns: number): Promise<void>;
}

/** One line of Docker's progress stream. */
export type Progress = Json;

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress?: string;
}

/** Images. Long work yields progress; it throws before its first value if it can't begin. */
export interface Images {
  list(options: { all: boolean; digests: boolean; sharedSize: boolean; filters: Filters }): Promise<Json[]>;
  /** `platform`: fails with `not-found` if the image is for another one. */
  inspect(name: string, platform?: string): Promise<Json>;
  history(name: string, platform?: string): Promise<Json[]>;
  pull(
    reference: string,
    options: { tag?: string; platform?: string; auth?: RegistryAuth; signal: AbortSignal },
  ): AsyncGenerator<Progress>;
  /** Pushes a tag of a repository, or all of them. */
  push(
    name: string,
    options: { tag?: string; platform?: string; auth?: RegistryAuth; signal: AbortSignal },
  ): AsyncGenerator<Progress>;
  /** Searches a registry's index; `limit` 0: 25. */
  search(options: {
    term: string;
    limit: number;
    filters: Filters;
    auth?: RegistryAuth;
    signal: AbortSignal;
  }): Promise<object[]>;
  /** What a registry has under a name. */
  distribution(name: string, options: { auth?: RegistryAuth; signal: AbortSignal }): Promise<Json>;
  /** Of an archive, or of what lies at a URL. */
  import(
    source: Readable | string,
    options: {
      repository?: string;
      tag?: string;
      message?: string;
      changes: readonly string[];
      platform?: string;
    },
  ): AsyncGenerator<Progress>;
  load(source: Readable, options: { quiet: boolean; platform?: string }): AsyncGenerator<Progress>;
  save(names: readonly string[], platform?: string): Promise<Readable>;
  tag(name: string, repository: string, tag: string): Promise<void>;
  remove(
    name: string,
    options: { force: boolean; noprune: boolean; platforms: readonly string[] },
  ): Promise<Json[]>;
  prune(filters: Filters): Promise<{ ImagesDeleted: Json[] | null; SpaceReclaimed: number }>;
}

export interface VolumeBody {
  readonly Name?: string;
  readonly Driver?: string;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  /** Of a swarm's volume. */
  readonly ClusterVolumeSpec?: object | null;
}

export interface Volumes {
  list(filters: Filters): Promise<{ Volumes: Json[]; Warnings: string[] | null }>;
  create(body: VolumeBody): Promise<Json>;
  inspect(name: string): Promise<Json>;
  remove(name: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }>;
}

/** Networks. `name` is a name, an id, or the beginning of one id. */
export interface Networks {
  list(filters: Filters): Promise<Json[]>;
  /** `scope`: only a network of this one, `""` any. `verbose` adds what a swarm knows of services. */
  inspect(name: string, options: { verbose: boolean; scope: string }): Promise<Json>;
  create(body: NetworkBody): Promise<{ Id: string; Warning: string }>;
  remove(name: string): Promise<void>;
  /** Of a stopped container the place is written down, of a running one it is made. */
  connect(name: string, body: ConnectBody): Promise<void>;
  disconnect(name: string, body: DisconnectBody): Promise<void>;
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }>;
}

/** A thing that happened, in Docker's newest form (`Type`, `Action`, `Actor`, `scope`, `time`, `timeNano`). */
export interface EngineEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: "local";
  /** Seconds since the epoch. */
  readonly time: number;
  /** Nanoseconds since the epoch: more than a double holds, so JSON is written by the API as a number from text. */
  readonly timeNano: bigint;
}

export interface Events {
  /** Past ones (of at most 256 remembered) and new ones that match, until `until` passes or `signal` fires. */
  subscribe(options: {
    since?: bigint;
    until?: bigint;
    filters: Filters;
    signal: AbortSignal;
  }): AsyncIterable<EngineEvent>;
}

/** What `GET /system/df` can be asked about. */
export type DiskUsageType = "container" | "image" | "volume" | "build-cache";

export interface System {
  info(): Promise<Json>;
  version(): Promise<Json>;
  /** Only what is asked for is looked at; the rest is null, `LayersSize` 0. */
  df(types: ReadonlySet<DiskUsageType>): Promise<Json>;
  /** Checks credentials against their registry. */
  auth(auth: RegistryAuth): Promise<Json>;
  /** Which of the engine's folders is full, in words; undefined if none is. */
  shortage(): string | undefined;
}

/** Containers for practice; see rehearsal.ts. */
export interface Rehearsal {
  /** They come and go as real ones do, and nothing comes of it. */
  readonly containers: Containers;
  /** Whether the engine's real containers are those that there were at its beginning. */
  readonly early: () => boolean;
  readonly close: () => void;
}

export interface Engine {
  readonly containers: Containers;
  readonly execs: Execs;
  readonly files: Files;
  readonly images: Images;
  readonly volumes: Volumes;
  readonly networks: Networks;
  readonly events: Events;
  readonly system: System;
  /**
   * Takes over the options that may change while the engine runs, and tells so (event `daemon reload`). Returns the
   * names of those that differ and count only after a restart.
   */
  reload(wanted: DaemonOptions): readonly string[];
  /** Who is at the other end of a connection of this process to a unix socket, by its descriptor. */
  peerCredentials(descriptor: number): Promise<PeerCredentials>;
  /** Tells the service manager that listens at `socket` how this process is. */
  notify(socket: string, state: ServiceState): Promise<void>;
  /** Opens a stage on which the first start is practised; who comes by a policy has none. */
  rehearsal?(): Rehearsal;
  /**
   * Has this process let go of the pages of its executable that it has touched, then `rehearse` touch those that it needs.
   * @throws kernel where that isn't possible
   */
  pageOut?(rehearse: () => Promise<void>): Promise<void>;
  /** Whether nothing runs and nobody waits: an engine that was started on demand may leave. */
  idle(): boolean;
  /** Closes what is the engine's; containers and their shims go on. */
  close(): Promise<void>;
}
