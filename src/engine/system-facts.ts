/**
 * Parts of `info`, each from what is known of the host or the configuration.
 * @module
 */
import { statfs } from "node:fs/promises";
import type { CgroupFeatures } from "../cgroup/mod.ts";
import type { DaemonOptions, NetworkOptions } from "./daemon-options.ts";
import type { Json } from "./engine.ts";

/** Names as Docker has them (statfs(2): f_type). */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: "extfs",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x01021994: "tmpfs",
  0x794c7630: "overlayfs",
  0x2fc12fc1: "zfs",
  0xf2f52010: "f2fs",
  0xca451a4e: "bcachefs",
  0x6969: "nfs",
};

/** The file system below a folder. */
export async function backingFileSystem(folder: string): Promise<string> {
  const { type } = await statfs(folder);
  return fileSystems[type >>> 0] ?? "<unknown>";
}

/** That the API is open to whoever reaches an address, in Docker's words. */
export function exposureWarnings({
  hosts,
  sockets,
  tls,
}: Pick<DaemonOptions, "hosts" | "sockets" | "tls">): string[] {
  if (tls?.clientCa !== undefined) return [];
  const [scheme, lack] = tls === undefined ? ["http", "encryption"] : ["https", "TLS client verification"];
  return [...hosts, ...sockets.map(({ host }) => host)]
    .filter((host) => host.startsWith("tcp://"))
    .map(
      (host) =>
        `WARNING: API is accessible on ${scheme}://${host.slice("tcp://".length)} without ${lack}.
         Access to the remote API is equivalent to root access on the host. Refer
         to the 'Docker daemon attack surface' section in the documentation for
         more information: https://docs.docker.com/go/attack-surface/`,
    );
}

/** What a container can't be limited in on this host, in Docker's words. */
export function limitWarnings(features: CgroupFeatures, version: 1 | 2): string[] {
  const v2 = version === 2;
  const throttles = v2
    ? ["io.max (rbps)", "io.max (wbps)", "io.max (riops)", "io.max (wiops)"]
    : ["read_bps_device", "write_bps_device", "read_iops_device", "write_iops_device"].map(
        (file) => `blkio throttle.${file}`,
      );
  const limits: (readonly [boolean, string])[] = [
    [features.memoryLimit, "memory limit"],
    [features.swapLimit, "swap limit"],
    // Version 2 has none, and nobody can do anything about it.
    [v2 || features.oomKillDisable, "oom kill disable"],
    [features.cpuCfsQuota, "cpu cfs quota"],
    [features.cpuCfsPeriod, "cpu cfs period"],
    [features.cpuShares, "cpu shares"],
    [features.cpuset, "cpuset"],
    // The weights of version 1 are gone since Linux 5.0.
    [!v2 || features.blockIOWeight, "io.weight"],
    [!v2 || features.blockIOWeightDevice, "io.weight (per device)"],
    ...throttles.map((name) => [features.blockIOThrottle, name] as const),
  ];
  return limits.filter(([has]) => !has).map(([, name]) => `WARNING: No ${name} support`);
}

/** `RegistryConfig`: how registries are reached. */
export function registryConfig(insecure: readonly string[], mirrors: readonly string[]): Json {
  const networks = insecure.filter((entry) => entry.includes("/"));
  const hosts = insecure.filter((entry) => !entry.includes("/"));
  const withSlash = mirrors.map((mirror) => (mirror.endsWith("/") ? mirror : `${mirror}/`));
  const own = { Mirrors: withSlash, Name: "docker.io", Official: true, Secure: true };
  const others = hosts.map((Name) => [Name, { Mirrors: [], Name, Official: false, Secure: false }] as const);
  return {
    IndexConfigs: { "docker.io": own, ...Object.fromEntries(others) },
    InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", ...networks],
    Mirrors: mirrors.length === 0 ? null : withSlash,
  };
}

/** What has the firewall's rules, unless there are none, and the pools that networks are cut from, if they are set. */
export function networkFacts(
  options: Pick<NetworkOptions, "iptables" | "ip6tables" | "defaultAddressPools">,
): Json {
  const { iptables, ip6tables, defaultAddressPools: pools } = options;
  return {
    ...(iptables || ip6tables ? { FirewallBackend: { Driver: "nftables" } } : {}),
    ...(pools.length === 0
      ? {}
      : { DefaultAddressPools: pools.map(({ base, size }) => ({ Base: base, Size: size })) }),
  };
}

/** A proxy's URL that may be shown: Docker puts x in the place of user and password. */
export function withoutCredentials(text: string): string {
  if (!URL.canParse(text)) return text;
  const { username, password } = new URL(text);
  if (username === "" && password === "") return text;
  return text.replace(/\/\/[^/@]*@/, "//xxxxx:xxxxx@");
}
