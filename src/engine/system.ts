/**
 * The engine about itself: `info`, `version`, `system df`, `login`.
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { cgroupFeatures, type CgroupHost } from "../cgroup/mod.ts";
import { failure, messageOf } from "../errors/mod.ts";
import type { DiskUsageType, Images, Json, RegistryAuth, System } from "./engine.ts";
import { engineId } from "./engine-id.ts";
import { logDrivers } from "./logging/drivers.ts";
import { userDrivers } from "../network/mod.ts";
import type { Services } from "./services.ts";
import { Summaries } from "./summary.ts";
import {
  networkFacts,
  backingFileSystem,
  exposureWarnings,
  limitWarnings,
  registryConfig,
  withoutCredentials,
} from "./system-facts.ts";
import { shortageOf } from "./shortage.ts";
import { formatTime, now } from "./time.ts";
import { apiVersion, caissonVersion, minApiVersion, serverVersion } from "./version.ts";

/** What the system is asked about. */
export interface SystemOptions {
  readonly services: Services;
  readonly images: Pick<Images, "list">;
  readonly cgroupHost: CgroupHost;
}

const everything = { all: true, digests: false, sharedSize: false, filters: new Map() };
/** Docker's own registry as clients call it. */
const dockerIndex = "https://index.docker.io/v1/";
/** Nothing of this name takes part. */
const noCommit = { ID: "N/A" };

/** Devices that vendors describe; the field is left out where there are none. */
async function discoveredDevices({ hostPaths, options, log }: Services): Promise<Json> {
  const { readCdiFolders } = await import("./cdi/specs.ts");
  let found: string[];
  try {
    const { devices } = await readCdiFolders(options.cdiSpecDirs, hostPaths);
    found = [...devices.keys()].toSorted();
  } catch (error) {
    log.warn(`look for CDI devices: ${messageOf(error)}`);
    return {};
  }
  return found.length === 0 ? {} : { DiscoveredDevices: found.map((ID) => ({ Source: "cdi", ID })) };
}

/** Answers for one engine. */
export class SystemService implements System {
  readonly #options: SystemOptions;
  readonly #id: string;

  constructor(options: SystemOptions) {
    this.#options = options;
    const { database } = options.services;
    this.#id = engineId(database);
  }

  shortage(): string | undefined {
    const { dataRoot, execRoot } = this.#options.services.options;
    return shortageOf([dataRoot, execRoot]);
  }

  async info(): Promise<Json> {
    const { services, images, cgroupHost } = this.#options;
    const { options, facts, storage, events } = services;
    const features = cgroupFeatures(cgroupHost);
    const { name: OperatingSystem, version: OSVersion } = await operatingSystem();
    const environment = (name: string): string => process.env[name] || process.env[name.toLowerCase()] || "";
    const warnings = [...exposureWarnings(options), ...limitWarnings(features, cgroupHost.version)];
    const forwarding = (await read("/proc/sys/net/ipv4/ip_forward")).trim() !== "0";
    if (!forwarding) warnings.push("WARNING: IPv4 forwarding is disabled");
    const profile = options.seccompProfile ?? "builtin";
    if (profile !== "builtin") warnings.push("WARNING: daemon is not using the default seccomp profile");
    return {
      ID: this.#id,
      ...this.#containerCounts(),
      Images: (await images.list(everything)).length,
      Driver: storage.name,
      DriverStatus: [
        ["Backing Filesystem", await backingFileSystem(options.dataRoot)],
        ["Supports d_type", "true"],
      ],
      Plugins: {
        Volume: ["local"],
        // Docker's own, as clients know them.
        Network: [...userDrivers, "host", "null"].filter((name) => name !== "cni").toSorted(),
        Authorization: null,
        Log: logDrivers,
      },
      MemoryLimit: features.memoryLimit,
      SwapLimit: features.swapLimit,
      ...(features.kernelMemoryTCP ? { KernelMemoryTCP: true } : {}),
      CpuCfsPeriod: features.cpuCfsPeriod,
      CpuCfsQuota: features.cpuCfsQuota,
      CPUShares: features.cpuShares,
      CPUSet: features.cpuset,
      PidsLimit: features.pidsLimit,
      IPv4Forwarding: forwarding,
      Debug: options.debug,
      NFd: (await readdir("/proc/self/fd")).length,
      OomKillDisable: features.oomKillDisable,
      // There are none; threads are what comes closest.
      NGoroutines: (await readdir("/proc/self/task")).length,
      SystemTime: formatTime(now()),
      LoggingDriver: options.logDriver,
      CgroupDriver: options.cgroupDriver,
      CgroupVersion: String(cgroupHost.version),
      NEventsListener: events.listeners,
      KernelVersion: facts.kernel,
      OperatingSystem,
      OSVersion,
      OSType: "linux",
      Architecture: process.arch === "arm64" ? "aarch64" : "x86_64",
      IndexServerAddress: dockerIndex,
      RegistryConfig: registryConfig(options.insecureRegistries, options.registryMirrors),
      NCPU: facts.processors,
      MemTotal: facts.memory,
      GenericResources: null,
      DockerRootDir: options.dataRoot,
      HttpProxy: withoutCredentials(environment("HTTP_PROXY")),
      HttpsProxy: withoutCredentials(environment("HTTPS_PROXY")),
      NoProxy: environment("NO_PROXY"),
      Name: hostname(),
      Labels: options.labels,
      ExperimentalBuild: false,
      ServerVersion: serverVersion,
      Runtimes: { caisson: { path: "caisson" } },
      DefaultRuntime: "caisson",
      Swarm: {
        NodeID: "",
        NodeAddr: "",
        LocalNodeState: "inactive",
        ControlAvailable: false,
        Error: "",
        RemoteManagers: null,
      },
      LiveRestoreEnabled: true,
      Isolation: "",
      InitBinary: "docker-init",
      ContainerdCommit: noCommit,
      RuncCommit: noCommit,
      InitCommit: noCommit,
      SecurityOptions: [
        `name=seccomp,profile=${profile}`,
        ...(options.userns === "auto" ? ["name=userns"] : []),
        ...(cgroupHost.version === 2 ? ["name=cgroupns"] : []),
        ...(options.noNewPrivileges ? ["name=no-new-privileges"] : []),
      ],
      ...networkFacts(options.network),
      CDISpecDirs: options.cdiSpecDirs,
      ...(await discoveredDevices(services)),
      Warnings: warnings.length === 0 ? null : warnings,
    };
  }

  #containerCounts(): Json {
    let running = 0;
    let paused = 0;
    const all = this.#options.services.store.all();
    for (const { state } of all) {
      if (state.status === "paused") paused++;
      else if (state.status === "running" || state.status === "restarting") running++;
    }
    return {
      Containers: all.length,
      ContainersRunning: running,
      ContainersPaused: paused,
      ContainersStopped: all.length - running - paused,
    };
  }

  async version(): Promise<Json> {
    const KernelVersion = this.#options.services.facts.kernel;
    const Arch = process.arch === "arm64" ? "arm64" : "amd64";
    const runtime = `bun${process.versions.bun ?? ""}`;
    return {
      Platform: { Name: `caisson ${caissonVersion}` },
      Components: [
        {
          Name: "Engine",
          Version: serverVersion,
          Details: {
            ApiVersion: apiVersion,
            Arch,
            BuildTime: "",
            Experimental: "false",
            GitCommit: "",
            GoVersion: runtime,
            KernelVersion,
            MinAPIVersion: minApiVersion,
            Os: "linux",
          },
        },
        { Name: "caisson-native", Version: caissonVersion, Details: { GitCommit: "" } },
      ],
      Version: serverVersion,
      ApiVersion: apiVersion,
      MinAPIVersion: minApiVersion,
      GitCommit: "",
      GoVersion: runtime,
      Os: "linux",
      Arch,
      KernelVersion,
      BuildTime: "",
    };
  }

  async df(types: ReadonlySet<DiskUsageType>): Promise<Json> {
    const { services, images } = this.#options;
    const { storage, volumes, store } = services;
    const sizeOf = async (layer: string): Promise<number> => {
      try {
        return await storage.layerSize(layer);
      } catch (error) {
        if ((await storage.layers()).includes(layer)) throw error;
        return 0;
      }
    };
    const layers = async (): Promise<number> => {
      let size = 0;
      for (const layer of await storage.layers()) size += await sizeOf(layer);
      return size;
    };
    const containers = async (): Promise<Json[]> => {
      const summaries = new Summaries(services);
      const found: Json[] = [];
      for (const container of store.all()) {
        const summary = await summaries.withSizes(container);
        // Measuring takes a while: who has been removed meanwhile isn't told.
        if (store.all().includes(container)) found.push(summary);
      }
      return found;
    };
    const wanted = async <T>(type: DiskUsageType, work: () => Promise<T>): Promise<T | null> =>
      types.has(type) ? work() : null;
    const [LayersSize, Images, Containers, Volumes] = await Promise.all([
      wanted("image", layers),
      wanted("image", async () =>
        (await images.list({ ...everything, all: false, sharedSize: true })).map(withoutEmptyDigests),
      ),
      wanted("container", containers),
      wanted("volume", async () => volumes.usage()),
    ]);
    const BuildCache = types.has("build-cache") ? [] : null;
    return { LayersSize: LayersSize ?? 0, Images, Containers, Volumes, BuildCache };
  }

  async auth(auth: RegistryAuth): Promise<Json> {
    const { insecureRegistries, registryMirrors: mirrors } = this.#options.services.options;
    const { login } = await import("../image/registry/mod.ts");
    await login(registryHost(auth.serveraddress ?? ""), auth, { insecureRegistries, mirrors });
    return { IdentityToken: "", Status: "Login Succeeded" };
  }
}

/** `df` tells no digests as null, the list as an empty one, as in dockerd. */
function withoutEmptyDigests(image: Json): Json {
  const { RepoDigests } = image as { RepoDigests?: readonly string[] };
  return RepoDigests?.length === 0 ? { ...image, RepoDigests: null } : image;
}

/** The registry's host: clients send a host, a URL, or Docker's index. */
function registryHost(address: string): string {
  if (address === "") return "docker.io";
  const text = /^https?:\/\//.test(address) ? address : `https://${address}`;
  if (!URL.canParse(text)) throw failure("invalid-parameter", { message: "unable to parse server address" });
  const { host } = new URL(text);
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return "";
  }
}

/** Name and version from os-release(5). */
async function operatingSystem(): Promise<{ name: string; version: string }> {
  const text = (await read("/etc/os-release")) || (await read("/usr/lib/os-release"));
  const value = (key: string): string =>
    new RegExp(`^${key}=(["']?)(.*)\\1$`, "m").exec(text)?.[2]?.replace(/\\(.)/g, "$1") ?? "";
  return { name: value("PRETTY_NAME") || "Linux", version: value("VERSION_ID") };
}
