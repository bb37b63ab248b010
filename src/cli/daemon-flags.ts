/**
 * dockerd's flags, read into {@link DaemonOptions}.
 * @module
 */
import { existsSync, statfsSync } from "node:fs";
import { resolve } from "node:path";
import type { DaemonOptions } from "../api/mod.ts";
import { failure } from "../errors/mod.ts";
import { parseUlimit } from "./container/devices.ts";
import { networkFlags, networkOptions } from "./daemon-network-flags.ts";
import { commandFailed } from "./failure-text.ts";
import type { Flags, FlagSpec } from "./flags.ts";
import { cut, takeLabel, toMap } from "./key-values.ts";

const ownFlags: readonly FlagSpec[] = [
  { name: "cgroup-parent", type: "string", usage: "Set parent cgroup for all containers" },
  {
    name: "data-root",
    type: "string",
    usage: "Root directory of persistent state",
    shown: '"/var/lib/caisson"',
  },
  { name: "debug", short: "D", type: "bool", usage: "Enable debug mode" },
  {
    name: "default-ulimit",
    type: "ulimit",
    usage: "Default ulimits for containers",
    shown: "[]",
    take: (value) => {
      parseUlimit(value);
      return value;
    },
  },
  { name: "exec-opt", type: "list", usage: "Runtime execution options" },
  {
    name: "exec-root",
    type: "string",
    usage: "Root directory for execution state files",
    shown: '"/run/caisson"',
  },
  {
    name: "group",
    short: "G",
    type: "string",
    usage: "Group for the unix socket",
    shown: '"docker"',
  },
  { name: "host", short: "H", type: "list", usage: "Daemon socket(s) to connect to" },
  {
    name: "idle-exit",
    type: "int",
    usage: "Leave after so many seconds without a client and without a running container",
  },
  { name: "insecure-registry", type: "list", usage: "Enable insecure registry communication" },
  { name: "label", type: "list", usage: "Set key=value labels to the daemon", take: takeLabel },
  {
    name: "log-driver",
    type: "string",
    usage: "Default driver for container logs",
    shown: '"json-file"',
  },
  {
    name: "log-level",
    short: "l",
    type: "string",
    usage: 'Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")',
    shown: '"info"',
  },
  { name: "log-opt", type: "map", usage: "Default log driver options for containers", shown: "map[]" },
  {
    name: "pidfile",
    short: "p",
    type: "string",
    usage: "Path to use for daemon PID file",
    shown: '"/run/caisson/caisson.pid"',
  },
  { name: "registry-mirror", type: "list", usage: "Preferred Docker registry mirror" },
  {
    name: "seccomp-profile",
    type: "string",
    usage: 'Path to seccomp profile. Set to "unconfined" to disable the default seccomp profile',
    shown: '"builtin"',
  },
  { name: "shutdown-timeout", type: "int", usage: "Set the default shutdown timeout", shown: "15" },
  { name: "storage-driver", short: "s", type: "string", usage: "Storage driver to use" },
  {
    name: "userns",
    type: "string",
    usage: 'Id ranges of containers: one of its own for each ("auto"), or the host\'s ("host")',
    shown: '"auto"',
  },
];

/** The flags of `caisson daemon`. */
export const daemonFlags: readonly FlagSpec[] = [...ownFlags, ...networkFlags].toSorted((a, b) =>
  a.name < b.name ? -1 : 1,
);

const switches: ReadonlySet<string> = new Set([
  "cri-containerd",
  "experimental",
  "init",
  "live-restore",
  "no-new-privileges",
  "raw-logs",
  "rootless",
  "selinux-enabled",
  "tls",
  "tlsverify",
  "validate",
]);

const settings =
  "add-runtime authorization-plugin cdi-spec-dir config-file containerd containerd-namespace containerd-plugins-namespace cpu-rt-period cpu-rt-runtime default-cgroupns-mode default-ipc-mode default-runtime default-shm-size feature http-proxy https-proxy init-path log-format max-concurrent-downloads max-concurrent-uploads max-download-attempts metrics-addr network-control-plane-mtu no-proxy node-generic-resource storage-opt swarm-default-advertise-addr tlscacert tlscert tlskey userns-remap";

/** dockerd's other flags: known, so that what is said about them is the truth. */
export const refusedDaemonFlags: readonly FlagSpec[] = [
  ...[...switches].map((name): FlagSpec => ({ name, type: "bool", usage: "", hidden: true })),
  ...settings.split(" ").map((name): FlagSpec => ({ name, type: "list", usage: "", hidden: true })),
];

const levels = ["debug", "info", "warn", "error", "fatal"] as const;
const drivers = ["cgroupfs", "systemd"] as const;

/**
 * Reads the flags.
 * @throws not-implemented for a flag of dockerd that this version doesn't have, command-failed for a wrong value
 */
export function daemonOptions(flags: Flags): DaemonOptions {
  for (const { name } of refusedDaemonFlags) {
    if (flags.has(name)) throw failure("not-implemented", { what: `--${name}` });
  }
  const execRoot = resolve(flags.string("exec-root") ?? "/run/caisson");
  const hosts = flags.list("host").filter((host) => host !== "");
  const named = (name: string): string | undefined => flags.string(name) || undefined;
  const cgroupParent = named("cgroup-parent");
  const storageDriver = named("storage-driver");
  const group = named("group");
  const idleExitSeconds = flags.int("idle-exit");
  const profile = flags.string("seccomp-profile") ?? "builtin";
  return {
    hosts: hosts.length > 0 ? hosts : [`unix://${execRoot}/caisson.sock`],
    dataRoot: resolve(flags.string("data-root") ?? "/var/lib/caisson"),
    execRoot,
    pidfile: resolve(flags.string("pidfile") ?? `${execRoot}/caisson.pid`),
    debug: flags.bool("debug"),
    logLevel: oneOf(levels, flags.string("log-level") ?? "info", "log-level"),
    userns: oneOf(["auto", "host"] as const, flags.string("userns") ?? "auto", "userns"),
    cgroupDriver: cgroupDriverOf(flags.list("exec-opt")) ?? usualCgroupDriver(),
    ...(cgroupParent === undefined ? {} : { cgroupParent }),
    ...(profile === "builtin"
      ? {}
      : { seccompProfile: profile === "unconfined" ? profile : resolve(profile) }),
    defaultUlimits: flags.list("default-ulimit").map((value) => {
      const { Name, Soft = -1, Hard = -1 } = parseUlimit(value);
      return { Name, Soft, Hard };
    }),
    insecureRegistries: flags.list("insecure-registry"),
    registryMirrors: flags.list("registry-mirror"),
    ...(storageDriver === undefined ? {} : { storageDriver }),
    logDriver: flags.string("log-driver") ?? "json-file",
    logOpts: toMap(flags.list("log-opt")),
    labels: flags.list("label"),
    network: networkOptions(flags),
    ...(group === undefined ? {} : { group }),
    shutdownTimeout: flags.int("shutdown-timeout") ?? 15,
    ...(idleExitSeconds === undefined ? {} : { idleExitSeconds }),
  };
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
    const [key, value] = cut(word, "=");
    if (key !== "native.cgroupdriver") throw failure("not-implemented", { what: `--exec-opt ${key}` });
    driver = oneOf(drivers, value, "exec-opt native.cgroupdriver");
  }
  return driver;
}

function oneOf<T extends string>(choices: readonly T[], value: string, flag: string): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const known = choices.map((choice) => JSON.stringify(choice)).join(", ");
  throw commandFailed(`invalid value ${JSON.stringify(value)} for --${flag}: must be one of ${known}`);
}
