/**
 * What the parts of the engine work with: made once by openEngine, handed to each.
 * @module
 */
import type { CgroupDriver, MemoryKills } from "../cgroup/mod.ts";
import type { Executors } from "../kernel/mod.ts";
import type { SnapshotDriver, Trash } from "../storage/mod.ts";
import type { ContainerStore } from "./container-store.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import type { StateDatabase } from "./database.ts";
import type { EventLog } from "./events.ts";
import type { HostDefaults } from "./host-config.ts";
import type { HostFacts } from "./host-facts.ts";
import type { HostPaths } from "./host-paths.ts";
import type { NetworkContext } from "./network-context.ts";
import type { IdMapSupport } from "./idmap-support.ts";
import type { ImageResolver } from "./image-types.ts";
import type { LogService } from "./logging/service.ts";
import type { EnginePaths } from "./paths.ts";
import type { SeccompFilters } from "./seccomp.ts";
import type { SharedVolumes } from "./shared-volumes.ts";
import type { VolumeService } from "./volumes.ts";

/** Where the engine tells its operator what happened. */
export interface EngineLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface Services {
  readonly options: DaemonOptions;
  readonly log: EngineLog;
  readonly paths: EnginePaths;
  readonly facts: HostFacts;
  readonly defaults: HostDefaults;
  readonly database: StateDatabase;
  readonly store: ContainerStore;
  readonly executors: Executors;
  readonly storage: SnapshotDriver;
  readonly cgroups: CgroupDriver;
  readonly memoryKills: MemoryKills;
  readonly events: EventLog;
  readonly volumes: VolumeService;
  readonly sharedVolumes: SharedVolumes;
  readonly networks: NetworkContext;
  readonly images: ImageResolver;
  readonly logs: LogService;
  readonly seccomp: SeccompFilters;
  readonly idmaps: IdMapSupport;
  readonly hostPaths: HostPaths;
  /** Where removed folders go: of the data root, of the exec root. */
  readonly trash: { readonly data: Trash; readonly run: Trash };
}
