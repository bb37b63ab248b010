/**
 * The daemon's settings, from flags and daemon.json, read into {@link DaemonOptions}.
 * @module
 */
import { existsSync, statfsSync } from "node:fs";
import { resolve } from "node:path";
import { checkHosts } from "../api/mod.ts";
import { daemonDefaults, type DaemonOptions } from "../engine/daemon-options.ts";
import { parseUlimit } from "./container/devices.ts";
import { mergeConfigFile, type MergedSettings } from "./daemon-config-file.ts";
import { daemonSettings, takeDaemonLabel } from "./daemon-flags.ts";
import { networkOptions } from "./daemon-network-flags.ts";
import { refusedSettings, refuseSettings } from "./daemon-refused.ts";
import { socketsOf } from "./daemon-sockets.ts";
import { tlsOptions } from "./daemon-tls.ts";
import { commandFailed } from "./failure-text.ts";
import { parseBytes } from "./flag-values.ts";
import type { Flags, FlagSpec } from "./flags.ts";
import { cut, toMap } from "./key-values.ts";

/** What a daemon is when nothing is said: caisson's own places, or those where Docker's clients look for a dockerd. */
export interface DaemonPlaces {
  readonly configFile: string;
  readonly host: (execRoot: string) => string;
  readonly pidfile: (execRoot: string) => string;
}

const ownPlaces: DaemonPlaces = {
  configFile: "/etc/caisson/daemon.json",
  host: (execRoot) => `unix://${execRoot}/caisson.sock`,
  pidfile: (execRoot) => `${execRoot}/caisson.pid`,
};

const dockerdsPlaces: DaemonPlaces = {
  configFile: "/etc/docker/daemon.json",
  host: () => "unix:///var/run/docker.sock",
  pidfile: () => "/var/run/docker.pid",
};

/** Where a daemon of this name has its things. (What it keeps is always caisson's own: see docs/daemon.md.) */
export function placesOf(program: string): DaemonPlaces {
  return program === "dockerd" ? dockerdsPlaces : ownPlaces;
}

/** Every flag that the daemon knows, honoured or refused. */
export const daemonFlags: readonly FlagSpec[] = [...daemonSettings, ...refusedSettings]
  .filter(({ only }) => only !== "key")
  .map(({ name, short, type, usage, shown, hidden, take }) => ({
    name,
    type,
    usage,
    ...(short === undefined ? {} : { short }),
    ...(shown === undefined ? {} : { shown }),
    ...(hidden === undefined ? {} : { hidden }),
    ...(take === undefined ? {} : { take }),
  }));

/**
 * Reads flags and daemon.json.
 * @throws command-failed in dockerd's words where it has some, with the reason for what this version doesn't have
 */
export function daemonOptions(given: Flags, places: DaemonPlaces = ownPlaces): DaemonOptions {
  const path = given.string("config-file") ?? places.configFile;
  const file = { path, named: given.has("config-file") };
  const merged = mergeConfigFile(file, [...daemonSettings, ...refusedSettings], given);
  return merged.checked(() => {
    const options = optionsOf(merged, places);
    checkHosts(options);
    return options;
  });
}

function optionsOf({ flags, fromFile }: MergedSettings, places: DaemonPlaces): DaemonOptions {
  refuseSettings(flags, fromFile);
  const execRoot = resolve(flags.string("exec-root") || "/run/caisson");
  const hosts = flags.list("host").filter((host) => host !== "");
  const named = (name: string): string | undefined => flags.string(name) || undefined;
  const seccomp = named("seccomp-profile") ?? "builtin";
  const auditLog = named("audit-log");
  const usual = daemonDefaults;
  return {
    ...usual,
    hosts: hosts.length > 0 ? hosts : [places.host(execRoot)],
    sockets: socketsOf(flags.string("sockets")),
    ...present({ tls: tlsOptions(flags) }),
    insecureTcp: flags.bool("insecure-tcp"),
    ...present({ auditLog: auditLog === undefined ? undefined : resolve(auditLog) }),
    ...present({ metricsAddress: named("metrics-addr") }),
    dataRoot: resolve(named("data-root") ?? "/var/lib/caisson"),
    execRoot,
    pidfile: resolve(named("pidfile") ?? places.pidfile(execRoot)),
    debug: flags.bool("debug"),
    logLevel: logLevelOf(named("log-level") ?? usual.logLevel),
    logFormat: logFormatOf(named("log-format") ?? usual.logFormat),
    labels: labelsOf(flags.list("label")),
    userns: oneOf(["auto", "host"] as const, named("userns") ?? usual.userns, "userns"),
    cgroupDriver: cgroupDriverOf(flags.list("exec-opt")) ?? usualCgroupDriver(),
    ...present({ cgroupParent: named("cgroup-parent") }),
    ...(seccomp === "builtin"
      ? {}
      : { seccompProfile: seccomp === "unconfined" ? seccomp : resolve(seccomp) }),
    defaultUlimits: flags.list("default-ulimit").map((value) => {
      const { Name, Soft = -1, Hard = -1 } = parseUlimit(value);
      return { Name, Soft, Hard };
    }),
    defaultShmSize: parseBytes(named("default-shm-size") ?? "0") || usual.defaultShmSize,
    defaultIpcMode: ipcModeOf(named("default-ipc-mode") ?? usual.defaultIpcMode),
    ...present({ defaultCgroupnsMode: cgroupnsModeOf(named("default-cgroupns-mode")) }),
    noNewPrivileges: flags.bool("no-new-privileges"),
    init: flags.bool("init"),
    cdiSpecDirs: flags.has("cdi-spec-dir")
      ? flags.list("cdi-spec-dir").filter((folder) => folder !== "")
      : usual.cdiSpecDirs,
    insecureRegistries: flags.list("insecure-registry"),
    registryMirrors: flags.list("registry-mirror").map(checkMirror),
    maxConcurrentDownloads:
      count(flags, "max-concurrent-downloads", "max concurrent downloads") || usual.maxConcurrentDownloads,
    maxConcurrentUploads:
      count(flags, "max-concurrent-uploads", "max concurrent uploads") || usual.maxConcurrentUploads,
    maxDownloadAttempts:
      count(flags, "max-download-attempts", "max download attempts") || usual.maxDownloadAttempts,
    ...present({ storageDriver: named("storage-driver") }),
    logDriver: named("log-driver") ?? usual.logDriver,
    logOpts: toMap(flags.list("log-opt")),
    proxies: present({
      http: named("http-proxy"),
      https: named("https-proxy"),
      none: named("no-proxy"),
    }),
    network: networkOptions(flags),
    ...present({ group: named("group") }),
    defaultStopTimeout: flags.int("default-stop-timeout") ?? usual.defaultStopTimeout,
    shutdownTimeout: flags.int("shutdown-timeout") ?? usual.shutdownTimeout,
    ...present({ idleExitSeconds: flags.int("idle-exit") }),
  };
}

function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

function count(flags: Flags, name: string, words: string): number {
  const value = flags.int(name) ?? 0;
  if (value < 0) throw commandFailed(`invalid ${words}: ${value}`);
  return value;
}

/** dockerd takes logrus's other levels too. */
function logLevelOf(text: string): DaemonOptions["logLevel"] {
  switch (text.toLowerCase()) {
    case "trace":
    case "debug":
      return "debug";
    case "info":
      return "info";
    case "warn":
      return "warn";
    case "error":
      return "error";
    case "fatal":
    case "panic":
      return "fatal";
    default:
      throw commandFailed(`invalid logging level: ${text}`);
  }
}

function logFormatOf(text: string): DaemonOptions["logFormat"] {
  if (text === "text" || text === "json") return text;
  throw commandFailed(`invalid log format: ${text}`);
}

/** Each label once. @throws command-failed in dockerd's words for a label with two values */
function labelsOf(labels: readonly string[]): readonly string[] {
  const values = new Map<string, string>();
  for (const label of labels) {
    const [key, value] = cut(takeDaemonLabel(label), "=");
    const other = values.get(key);
    if (other !== undefined && other !== value) {
      throw commandFailed(`conflict labels for ${key}=${value} and ${key}=${other}`);
    }
    values.set(key, value);
  }
  return [...values].map(([key, value]) => `${key}=${value}`);
}

function ipcModeOf(mode: string): DaemonOptions["defaultIpcMode"] {
  if (mode === "private" || mode === "shareable") return mode;
  const known = mode === "host" || mode === "none" || mode.startsWith("container:");
  throw commandFailed(
    known
      ? `IPC mode ${JSON.stringify(mode)} is not supported as default value; use "shareable" or "private"`
      : `default IPC mode setting (${mode}) is invalid; use "shareable" or "private"`,
  );
}

function cgroupnsModeOf(mode: string | undefined): DaemonOptions["defaultCgroupnsMode"] | undefined {
  if (mode === undefined || mode === "private" || mode === "host") return mode;
  throw commandFailed(`invalid default cgroup namespace (${mode}): use "host" or "private"`);
}

/** A mirror's base URL, with the slash that Docker puts behind it. */
function checkMirror(mirror: string): string {
  const quoted = JSON.stringify(mirror);
  const hint = "must use either 'https://' or 'http://'";
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(mirror)?.[1];
  if (scheme === undefined) throw commandFailed(`invalid mirror: no scheme specified for ${quoted}: ${hint}`);
  if (scheme !== "http" && scheme !== "https") {
    throw commandFailed(`invalid mirror: unsupported scheme "${scheme}" in ${quoted}: ${hint}`);
  }
  if (!URL.canParse(mirror)) throw commandFailed(`invalid mirror: ${quoted} is not a valid URI`);
  const { search, hash, username, password } = new URL(mirror);
  if (search !== "" || hash !== "") {
    throw commandFailed(`invalid mirror: query or fragment at end of the URI ${quoted}`);
  }
  if (username !== "" || password !== "") {
    throw commandFailed(
      `invalid mirror: username/password not allowed in URI ${quoted.replace(/\/\/([^/@:]*)[^/@]*@/, "//$1:xxxxx@")}`,
    );
  }
  return mirror.endsWith("/") ? mirror : `${mirror}/`;
}

/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
const cgroup2Magic = 0x63_67_72_70;

/** systemd where it is the init and cgroups are of version 2, as dockerd decides. */
function usualCgroupDriver(): "cgroupfs" | "systemd" {
  const systemd = existsSync("/run/systemd/system");
  return systemd && statfsSync("/sys/fs/cgroup").type === cgroup2Magic ? "systemd" : "cgroupfs";
}

function cgroupDriverOf(words: readonly string[]): "cgroupfs" | "systemd" | undefined {
  let driver: "cgroupfs" | "systemd" | undefined;
  for (const word of words) {
    const [key, value] = cut(word, "=").map((part) => part.trim());
    if (key === undefined || key === "" || value === undefined || value === "") {
      throw commandFailed(`invalid exec-opt (${word}): must be formatted 'opt=value'`);
    }
    if (key.toLowerCase() === "isolation") {
      throw commandFailed(`invalid exec-opt (${word}): option 'isolation' is only supported on windows`);
    }
    if (key.toLowerCase() !== "native.cgroupdriver") {
      throw commandFailed(`invalid exec-opt (${word}): unknown option: '${key.toLowerCase()}'`);
    }
    driver = oneOf(["cgroupfs", "systemd"] as const, value, "exec-opt native.cgroupdriver");
  }
  return driver;
}

function oneOf<T extends string>(choices: readonly T[], value: string, flag: string): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const known = choices.map((choice) => JSON.stringify(choice)).join(", ");
  throw commandFailed(`invalid value ${JSON.stringify(value)} for --${flag}: must be one of ${known}`);
}
