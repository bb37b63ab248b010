/**
 * dockerd's settings that this engine refuses: known by name, so that what is said about them is the truth.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { commandFailed } from "./failure-text.ts";
import { keyOf, type RefusedSetting } from "./daemon-setting.ts";
import type { Flags, FlagType } from "./flags.ts";

type More = Partial<Omit<RefusedSetting, "name" | "type" | "verdict" | "reason">>;

function missing(name: string, type: FlagType, reason: string, more: More = {}): RefusedSetting {
  return { name, type, reason, verdict: "missing", usage: "", hidden: true, ...more };
}

function foreign(name: string, type: FlagType, reason: string, more: More = {}): RefusedSetting {
  return { name, type, reason, verdict: "foreign", usage: "", hidden: true, ...more };
}

const swarm = "there are no swarms";
const containerd = "there is no containerd: images, containers and shims are the engine's own";
const realtime = "a container's --cpu-rt-period and --cpu-rt-runtime set its own cgroup";

/** The settings, by name. */
export const refusedSettings: readonly RefusedSetting[] = [
  missing("add-runtime", "list", "containers are run by caisson's own runtime", {
    key: "runtimes",
    json: "any",
    harmless: ["{}"],
  }),
  foreign("allow-nondistributable-artifacts", "list", "it has no effect in Docker either"),
  foreign("api-cors-header", "string", "use a reverse proxy if you need CORS headers"),
  missing("authorization-plugin", "list", "requests are limited by the policies of sockets", {
    key: "authorization-plugins",
  }),
  missing("builder", "string", "images are not built", { only: "key", json: "any", harmless: ["{}"] }),
  foreign("containerd", "string", containerd),
  foreign("containerd-namespace", "string", containerd, { harmless: ["moby"] }),
  foreign("containerd-plugins-namespace", "string", containerd, {
    harmless: ["plugins.moby"],
  }),
  foreign("cpu-rt-period", "int", realtime, { harmless: ["0"] }),
  foreign("cpu-rt-runtime", "int", realtime, { harmless: ["0"] }),
  foreign("cri-containerd", "bool", containerd),
  missing("default-runtime", "string", "containers are run by caisson's own runtime", {
    harmless: ["caisson"],
  }),
  foreign("default-init", "string", "the init of --init is caisson's own", { only: "key" }),
  foreign("deprecated-key-path", "string", "it has no effect in Docker either"),
  missing("experimental", "bool", "there are no experimental features"),
  missing("feature", "map", "there are no features to turn on", { key: "features", json: "switches" }),
  foreign("init-path", "string", "the init of --init is caisson's own"),
  foreign(
    "live-restore",
    "bool",
    "containers always outlive the engine; stop them before it if they are to stop",
    { harmless: ["true"] },
  ),
  missing("min-api-version", "string", "versions 1.24 to 1.51 are always answered", {
    only: "key",
    harmless: ["1.24"],
  }),
  foreign("network-control-plane-mtu", "int", swarm, { harmless: ["1500"] }),
  foreign("network-diagnostic-port", "int", "there is no such server", { harmless: ["0"] }),
  foreign("node-generic-resource", "list", swarm, { key: "node-generic-resources" }),
  missing("nri-opts", "string", "plugins of the Node Resource Interface", { json: "any", harmless: ["{}"] }),
  missing("resolv-conf", "string", "another resolv.conf than the host's: use --dns", { only: "key" }),
  missing("rootless", "bool", "engines of ordinary users"),
  missing("selinux-enabled", "bool", "SELinux labels"),
  missing("storage-opt", "list", "options of storage drivers", { key: "storage-opts" }),
  foreign("swarm-default-advertise-addr", "string", swarm),
  foreign("swarm-raft-election-tick", "int", swarm, { harmless: ["0"] }),
  foreign("swarm-raft-heartbeat-tick", "int", swarm, { harmless: ["0"] }),
  foreign(
    "userns-remap",
    "string",
    "each container has an id range of its own, unless --userns is host; nothing is shared between them",
  ),
];

/**
 * Refuses what was given of them.
 * @throws not-implemented or command-failed with the reason, for the first that asks for something
 */
export function refuseSettings(flags: Flags, fromFile: (name: string) => boolean): void {
  for (const setting of refusedSettings) {
    if (!flags.has(setting.name) || asksForNothing(setting, flags)) continue;
    const name = fromFile(setting.name) ? keyOf(setting) : `--${setting.name}`;
    if (setting.verdict === "missing") {
      const { message } = failure("not-implemented", { what: name });
      throw commandFailed(`${message}: ${setting.reason}`);
    }
    throw commandFailed(`${name} is nothing that caisson could be told: ${setting.reason}`);
  }
}

function asksForNothing(setting: RefusedSetting, flags: Flags): boolean {
  const harmless = setting.harmless ?? [];
  if (setting.type === "bool")
    return (
      harmless.includes(String(flags.bool(setting.name))) ||
      (harmless.length === 0 && !flags.bool(setting.name))
    );
  return flags
    .list(setting.name)
    .every((value) => value === "" || value.endsWith("=false") || harmless.includes(value));
}
