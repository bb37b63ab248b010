/**
 * Options of a container's log (`--log-opt`): checked when the container is made, or the daemon starts.
 * @module
 */
import { failure, inContext, messageOf } from "../../errors/mod.ts";
import type { HostConfig } from "../container-types.ts";
import type { HostPaths } from "../host-paths.ts";
import { remoteDrivers } from "./drivers.ts";
import { recordAttributes, type LogInfo } from "./info.ts";
import type { RequiredFile } from "./remote.ts";
import { rotationOf } from "./rotation.ts";
import { parseBool, parseBytes, wrongOption } from "./values.ts";

type LogConfig = HostConfig["LogConfig"];
type Options = LogConfig["Config"];

/** Options of every driver. */
const common: ReadonlySet<string> = new Set([
  "mode",
  "max-buffer-size",
  "cache-disabled",
  "cache-max-size",
  "cache-max-file",
  "cache-compress",
]);
const local: ReadonlySet<string> = new Set(["max-file", "max-size", "compress"]);
const jsonFile: ReadonlySet<string> = new Set([
  ...local,
  "labels",
  "labels-regex",
  "env",
  "env-regex",
  "tag",
]);
/** Drivers that Docker has and this version hasn't. */
const others: ReadonlySet<string> = new Set(["awslogs", "etwlogs", "gcplogs", "splunk"]);

/** The options without those of every driver. */
export function ownOptions(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !common.has(name)));
}

/** How dockerd says that a driver hasn't an option. */
function unknownOption(driver: string, name: string): Error {
  if (driver === "local") return wrongOption(`unknown log opt '${name}' for log driver local`);
  if (driver === "gelf") return wrongOption(`unknown log opt ${JSON.stringify(name)} for gelf log driver`);
  return wrongOption(`unknown log opt '${name}' for ${driver} log driver`);
}

/**
 * Checks a driver and its options as dockerd does when a container is made or it starts itself.
 * @throws invalid-parameter in dockerd's words
 */
export function checkLogOptions({ Type: driver, Config: options }: LogConfig): void {
  if (driver === "none") return;
  const { mode = "" } = options;
  if (!["", "blocking", "non-blocking"].includes(mode))
    throw wrongOption(`logger: logging mode not supported: ${mode}`);
  const buffer = options["max-buffer-size"];
  if (buffer !== undefined) {
    if (mode !== "non-blocking")
      throw wrongOption("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
    try {
      parseBytes(buffer, 1024);
    } catch (error) {
      throw inContext("error parsing option max-buffer-size", error);
    }
  }
  if (others.has(driver)) throw failure("not-implemented", { what: `the log driver ${driver}` });
  const remote = remoteDrivers[driver];
  if (driver !== "json-file" && driver !== "local" && remote === undefined)
    throw wrongOption(`error looking up logging plugin ${driver}: plugin "${driver}" not found`);
  const disabled = options["cache-disabled"] ?? "";
  if (disabled !== "") {
    try {
      parseBool(disabled);
    } catch {
      throw wrongOption(`invalid value for option cache-disabled: ${disabled}`);
    }
  }
  const known = remote?.options ?? (driver === "local" ? local : jsonFile);
  const own = ownOptions(options);
  // Docker looks for the address before anything else.
  if (driver === "gelf" && (own["gelf-address"] ?? "") === "") remote?.check(own);
  for (const name of Object.keys(own)) if (!known.has(name)) throw unknownOption(driver, name);
  remote?.check(own);
}

/**
 * Files of the host that a driver needs, and what is told of one that isn't there.
 * @throws what {@link checkLogOptions} does of an address
 */
export function requiredLogFiles({ Type: driver, Config: options }: LogConfig): readonly RequiredFile[] {
  return remoteDrivers[driver]?.files?.(ownOptions(options)) ?? [];
}

/** Throws, in dockerd's words, for a file of the host that a driver needs and that isn't there. */
export async function checkLogFiles(hostPaths: Pick<HostPaths, "look">, config: LogConfig): Promise<void> {
  const files = requiredLogFiles(config);
  const found = await hostPaths.look(files.map(({ path }) => path));
  for (const { path, problem, atStart } of files) {
    if (found.has(path)) continue;
    if (!atStart) throw wrongOption(problem);
    throw failure("invalid-parameter", { message: `failed to initialize logging driver: ${problem}` });
  }
}

/** What is taken, as dockerd takes it, and changes nothing there either. */
export function logWarnings({ Type: driver, Config: options }: LogConfig): string[] {
  const unsent = ["labels", "labels-regex", "env", "env-regex"].filter(
    (name) => (options[name] ?? "") !== "",
  );
  if (driver === "syslog" && unsent.length > 0)
    return [`The log driver syslog has no place for attributes: ${unsent.join(", ")} discarded.`];
  const cache = Object.keys(options).filter((name) => name.startsWith("cache-"));
  if (remoteDrivers[driver] === undefined && driver !== "none" && cache.length > 0)
    return [`The log driver ${driver} has no cache: ${cache.join(", ")} discarded.`];
  return [];
}

/**
 * Checks what dockerd finds only when the container is started: here a container that can't be started isn't made.
 * @throws invalid-parameter in dockerd's words
 */
export function checkLogStart({ Type: driver, Config: options }: LogConfig, info: LogInfo): void {
  if (driver === "none") return;
  try {
    rotationOf({ Type: driver, Config: options });
    const own = ownOptions(options);
    const remote = remoteDrivers[driver];
    if (remote === undefined) recordAttributes(info, own);
    else remote.open(info, own);
  } catch (error) {
    throw failure(
      "invalid-parameter",
      { message: `failed to initialize logging driver: ${messageOf(error)}` },
      error,
    );
  }
}
