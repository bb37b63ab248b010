/**
 * What a container's log driver comes to: files that its shim writes, and for some drivers a server that gets them.
 * @module
 */
import { join } from "node:path";
import type { ShimLog } from "../../kernel/mod.ts";
import type { ContainerRecord } from "../container.ts";
import type { EnginePaths } from "../paths.ts";
import { remoteDrivers } from "./drivers.ts";
import { attributesText, recordAttributes, type LogInfo } from "./info.ts";
import { ownOptions } from "./options.ts";
import type { RemoteLog } from "./remote.ts";
import { rotationOf, type Rotation } from "./rotation.ts";
import { parseBool, parseBytes } from "./values.ts";

/** Docker's size of the buffer between a container and a driver that it doesn't wait for. */
const DEFAULT_BUFFER = 1024 * 1024;
/** What the kernel allows a pipe by default (fs.pipe-max-size). */
const PIPE_MOST = 1024 * 1024;

/** Where a container's log lies; undefined: it has none. json-file's place is Docker's, others read it. */
export function logPath(paths: EnginePaths, { id, hostConfig }: ContainerRecord): string | undefined {
  switch (hostConfig.LogConfig.Type) {
    case "none":
      return undefined;
    case "json-file":
      return paths.log(id);
    case "local":
      return join(paths.container(id), "local-logs", "container.log");
    default:
      return join(paths.container(id), "container-cached.log");
  }
}

/** Whether `logs` may read it: of a driver with a server only if the cache isn't turned off. */
export function isReadable({ hostConfig: { LogConfig } }: ContainerRecord): boolean {
  if (LogConfig.Type === "none") return false;
  if (remoteDrivers[LogConfig.Type] === undefined) return true;
  const disabled = LogConfig.Config["cache-disabled"] ?? "";
  return disabled === "" || !parseBool(disabled);
}

/** Files that are rotated by the engine's rules, at `path`. */
export interface LogFilesPlan extends Rotation {
  readonly path: string;
  /** Only files that have been sent may be compressed. */
  readonly sentOnly: boolean;
}

/** The files of a container's log; undefined: it has none. */
export function logFiles(paths: EnginePaths, record: ContainerRecord): LogFilesPlan | undefined {
  const path = logPath(paths, record);
  const { LogConfig } = record.hostConfig;
  if (path === undefined) return undefined;
  return { path, ...rotationOf(LogConfig), sentOnly: remoteDrivers[LogConfig.Type] !== undefined };
}

/** Bytes that may wait for the log of a container that doesn't; undefined: it does. */
function bufferOf({ hostConfig }: ContainerRecord): number | undefined {
  const { mode, "max-buffer-size": size } = hostConfig.LogConfig.Config;
  if (mode !== "non-blocking") return undefined;
  return size === undefined ? DEFAULT_BUFFER : parseBytes(size, 1024);
}

/** How the shim writes a container's log; undefined: it writes none. */
export function shimLog(paths: EnginePaths, info: LogInfo): ShimLog | undefined {
  const { record } = info;
  const files = logFiles(paths, record);
  if (files === undefined) return undefined;
  const buffer = bufferOf(record);
  // Servers get the attributes in their own forms.
  const attributes = files.sentOnly ? {} : recordAttributes(info, record.hostConfig.LogConfig.Config);
  return {
    path: files.path,
    limit: files.limit,
    files: files.files,
    attributes: attributesText(attributes),
    keepsUnmarked: files.sentOnly && buffer === undefined,
    impatient: buffer !== undefined,
    ...(buffer === undefined ? {} : { pipeSize: Math.min(buffer, PIPE_MOST) }),
  };
}

/** Where a container's log is sent, and how much may wait for that when the container doesn't. */
export interface RemotePlan {
  readonly path: string;
  readonly remote: RemoteLog;
  /** Bytes; undefined: nothing is ever left out. */
  readonly buffer?: number;
}

/** Where a container's log is sent; undefined: nowhere. */
export function remotePlan(paths: EnginePaths, info: LogInfo): RemotePlan | undefined {
  const { record } = info;
  const { Type, Config } = record.hostConfig.LogConfig;
  const driver = remoteDrivers[Type];
  const path = logPath(paths, record);
  if (driver === undefined || path === undefined) return undefined;
  const remote = driver.open(info, ownOptions(Config));
  const buffer = bufferOf(record);
  return buffer === undefined ? { path, remote } : { path, remote, buffer };
}
