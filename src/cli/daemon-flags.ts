/**
 * The settings of the daemon: dockerd's flags and the keys of daemon.json, those that are honoured.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { parseUlimit } from "./container/devices.ts";
import { networkFlags } from "./daemon-network-flags.ts";
import type { DaemonSetting } from "./daemon-setting.ts";
import { takeLabel } from "./key-values.ts";
import { tlsFlags } from "./tls-flags.ts";

const ownFlags: readonly DaemonSetting[] = [
  {
    name: "cdi-spec-dir",
    key: "cdi-spec-dirs",
    type: "list",
    usage: "CDI specification directories to use",
  },
  { name: "cgroup-parent", type: "string", usage: "Set parent cgroup for all containers" },
  {
    name: "data-root",
    type: "string",
    usage: "Root directory of persistent state",
    shown: '"/var/lib/caisson"',
  },
  { name: "debug", reloads: true, short: "D", type: "bool", usage: "Enable debug mode" },
  {
    name: "default-ulimit",
    key: "default-ulimits",
    type: "ulimit",
    usage: "Default ulimits for containers",
    shown: "[]",
    take: (value) => {
      parseUlimit(value);
      return value;
    },
  },
  { name: "exec-opt", key: "exec-opts", type: "list", usage: "Runtime execution options" },
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
  { name: "host", key: "hosts", short: "H", type: "list", usage: "Daemon socket(s) to connect to" },
  {
    name: "idle-exit",
    type: "int",
    usage: "Leave after so many seconds without a client and without a running container",
  },
  {
    name: "init",
    type: "bool",
    usage: "Run an init in the container to forward signals and reap processes",
  },
  {
    name: "insecure-registry",
    key: "insecure-registries",
    reloads: true,
    type: "list",
    usage: "Enable insecure registry communication",
  },
  {
    name: "label",
    key: "labels",
    reloads: true,
    type: "list",
    usage: "Set key=value labels to the daemon",
    take: takeDaemonLabel,
    checkedLate: true,
  },
  {
    name: "log-driver",
    type: "string",
    usage: "Default driver for container logs",
    shown: '"json-file"',
  },
  {
    name: "log-level",
    reloads: true,
    short: "l",
    type: "string",
    usage: 'Set the logging level ("debug"|"info"|"warn"|"error"|"fatal")',
    shown: '"info"',
  },
  {
    name: "log-opt",
    key: "log-opts",
    type: "map",
    usage: "Default log driver options for containers",
    shown: "map[]",
  },
  {
    name: "pidfile",
    short: "p",
    type: "string",
    usage: "Path to use for daemon PID file",
    shown: '"/run/caisson/caisson.pid"',
  },
  {
    name: "registry-mirror",
    key: "registry-mirrors",
    reloads: true,
    type: "list",
    usage: "Preferred Docker registry mirror",
  },
  {
    name: "seccomp-profile",
    type: "string",
    usage: 'Path to seccomp profile. Set to "unconfined" to disable the default seccomp profile',
    shown: '"builtin"',
  },
  {
    name: "shutdown-timeout",
    reloads: true,
    type: "int",
    usage: "Set the default shutdown timeout",
    shown: "15",
  },
  { name: "storage-driver", short: "s", type: "string", usage: "Storage driver to use" },
  {
    name: "userns",
    type: "string",
    usage: 'Id ranges of containers: one of its own for each ("auto"), or the host\'s ("host")',
    shown: '"auto"',
  },
  {
    name: "audit-log",
    type: "string",
    usage: "File that every request is written down in: who, what, how it ended",
  },
  {
    name: "config-file",
    only: "flag",
    type: "string",
    usage: "Daemon configuration file",
    shown: '"/etc/caisson/daemon.json"',
  },
  {
    name: "default-cgroupns-mode",
    type: "string",
    usage: 'Default mode for containers cgroup namespace ("host" | "private")',
  },
  {
    name: "default-ipc-mode",
    type: "string",
    usage: 'Default mode for containers ipc ("shareable" | "private")',
    shown: '"private"',
  },
  {
    name: "default-shm-size",
    reloads: true,
    type: "bytes",
    usage: "Default shm size for containers",
    shown: "64MiB",
  },
  {
    name: "default-stop-timeout",
    reloads: true,
    type: "int",
    usage: "Default seconds that a container has to end when it is stopped",
    shown: "10",
  },
  { name: "http-proxy", type: "string", usage: "HTTP proxy URL to use for outgoing traffic" },
  { name: "https-proxy", type: "string", usage: "HTTPS proxy URL to use for outgoing traffic" },
  {
    name: "insecure-tcp",
    type: "bool",
    usage: "Listen at tcp:// hosts even if not every client has to prove who it is by TLS",
  },
  {
    name: "log-format",
    type: "string",
    usage: 'Set the logging format ("text"|"json")',
    shown: '"text"',
  },
  {
    name: "max-concurrent-downloads",
    reloads: true,
    type: "int",
    usage: "Set the max concurrent downloads",
    shown: "3",
  },
  {
    name: "max-concurrent-uploads",
    reloads: true,
    type: "int",
    usage: "Set the max concurrent uploads",
    shown: "5",
  },
  {
    name: "max-download-attempts",
    reloads: true,
    type: "int",
    usage: "Set the max download attempts for each pull",
    shown: "5",
  },
  { name: "metrics-addr", type: "string", usage: "Set address and port to serve the metrics api on" },
  {
    name: "no-new-privileges",
    type: "bool",
    usage: "Set no-new-privileges by default for new containers",
  },
  {
    name: "no-proxy",
    type: "string",
    usage: "Comma-separated list of hosts or IP addresses for which the proxy is skipped",
  },
  { name: "raw-logs", type: "bool", usage: "Full timestamps without ANSI coloring, as always" },
  { name: "sockets", only: "key", json: "any", type: "string", usage: "More sockets, each with a policy" },
  ...tlsFlags,
  {
    name: "validate",
    only: "flag",
    type: "bool",
    usage: "Validate daemon configuration and exit",
  },
  {
    name: "version",
    short: "v",
    only: "flag",
    type: "bool",
    usage: "Print version information and quit",
  },
];

/** Those that are honoured, by name: the flags of `caisson daemon` and the keys of daemon.json. */
export const daemonSettings: readonly DaemonSetting[] = [...ownFlags, ...networkFlags].toSorted((a, b) =>
  a.name < b.name ? -1 : 1,
);

/** Takes a label. @throws usage when it has no value, which a daemon's must have */
export function takeDaemonLabel(value: string): string {
  if (!value.includes("=")) throw failure("usage", { message: `bad attribute format: ${value}` });
  return takeLabel(value);
}
