/**
 * Flags of `run` and `create` as the engine's create request.
 * @module
 */
import type { ContainerCreateRequest, HealthConfig, HostConfig } from "@docker/node-sdk";
import { failure } from "../../errors/mod.ts";
import { commandFailed } from "../failure-text.ts";
import { parseBytes, parseDuration, parseNanoCpus } from "../flag-values.ts";
import type { Flags } from "../flags.ts";
import { cut, readKeyValues, toMap } from "../key-values.ts";
import { isMac } from "./addresses.ts";
import { capabilities } from "./capabilities.ts";
import {
  isCdiDevice,
  parseDevice,
  parseGpus,
  parseOperations,
  parseRate,
  parseUlimit,
  parseWeight,
} from "./devices.ts";
import { parseMount, parseVolumes } from "./mounts.ts";
import { parseNetworking } from "./networks.ts";
import { parsePorts } from "./ports.ts";
import { parseSecurity } from "./security.ts";

/** The flags' meaning, ready to be sent. */
export interface CreateRequest {
  readonly name?: string;
  readonly platform?: string;
  readonly body: ContainerCreateRequest;
}

/**
 * Reads the flags and `[IMAGE, COMMAND…]`. Only what was given is in the body: the engine has the defaults.
 * @throws command-failed with docker's text
 */
export function createRequest(flags: Flags, args: readonly string[]): CreateRequest {
  const [image = "", ...command] = args;
  refuseRetired(flags);
  const streams = flags.list("attach");
  const attached = (stream: string): boolean => streams.length === 0 || streams.includes(stream);
  const mac = flags.string("mac-address");
  if (mac !== undefined && !isMac(mac)) throw commandFailed(`${mac} is not a valid mac address`);
  const interactive = flags.bool("interactive");
  const stdin = interactive || streams.includes("stdin");
  const { binds, volumes } = parseVolumes(flags.list("volume"));
  const ports = parsePorts(flags.list("publish"), flags.list("expose"));
  const networking = parseNetworking(flags);
  const env = readKeyValues(flags.list("env-file"), flags.list("env"), true);
  const labels = readKeyValues(flags.list("label-file"), flags.list("label"), false);
  const name = flags.string("name");
  const platform = flags.string("platform") ?? process.env["DOCKER_DEFAULT_PLATFORM"];
  const body = given<ContainerCreateRequest>({
    Hostname: flags.string("hostname"),
    Domainname: flags.string("domainname"),
    User: flags.string("user"),
    Tty: flags.bool("tty"),
    OpenStdin: interactive,
    StdinOnce: interactive && stdin,
    AttachStdin: stdin,
    AttachStdout: attached("stdout"),
    AttachStderr: attached("stderr"),
    Env: env,
    Cmd: command,
    Image: image,
    Volumes: volumes,
    ExposedPorts: ports.exposed,
    WorkingDir: flags.string("workdir"),
    Entrypoint: flags.has("entrypoint") ? [flags.string("entrypoint") ?? ""] : undefined,
    Labels: toMap(labels),
    StopSignal: flags.string("stop-signal"),
    StopTimeout: flags.int("stop-timeout"),
    Healthcheck: healthcheck(flags),
    HostConfig: {
      ...hostConfig(flags),
      ...resources(flags),
      ...given<HostConfig>({ Binds: binds, PortBindings: ports.bindings }),
      NetworkMode: networking.mode,
    },
    NetworkingConfig: { EndpointsConfig: networking.endpoints },
  });
  return {
    body,
    ...(name === undefined || name === "" ? {} : { name }),
    ...(platform === undefined || platform === "" ? {} : { platform }),
  };
}

/** Flags that docker still takes although nothing stands behind them. */
function refuseRetired(flags: Flags): void {
  if (!flags.bool("disable-content-trust", true)) {
    throw failure("not-implemented", { what: "--disable-content-trust=false (verification by Notary)" });
  }
  if (flags.has("kernel-memory")) throw failure("not-implemented", { what: "--kernel-memory" });
}

/** What was given: values that are undefined, false, empty lists and empty maps are left out. */
function given<T>(fields: { readonly [K in keyof T]: unknown }): T {
  const kept: Partial<Record<keyof T, unknown>> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || value === null || value === false) continue;
    if (typeof value !== "object" || Object.keys(value).length > 0) kept[name] = value;
  }
  return kept as T;
}

function hostConfig(flags: Flags): HostConfig {
  const security = parseSecurity(flags.list("security-opt"));
  const restart = restartPolicy(flags.string("restart") ?? "no");
  const autoRemove = flags.bool("rm");
  if (autoRemove && restart.Name !== "no" && restart.Name !== "") {
    throw commandFailed("conflicting options: cannot specify both --restart and --rm");
  }
  const logDriver = flags.string("log-driver") ?? "";
  const logOptions = flags.list("log-opt");
  if (logDriver === "none" && logOptions.length > 0) {
    throw commandFailed(`invalid logging opts for driver ${logDriver}`);
  }
  const unmasked = security.systemPathsUnconfined ? { MaskedPaths: [], ReadonlyPaths: [] } : {};
  return {
    ...given<HostConfig>({
      ContainerIDFile: flags.string("cidfile"),
      OomScoreAdj: flags.int("oom-score-adj"),
      AutoRemove: autoRemove,
      Privileged: flags.bool("privileged"),
      Links: flags.list("link"),
      PublishAllPorts: flags.bool("publish-all"),
      Dns: flags.list("dns"),
      DnsSearch: flags.list("dns-search"),
      DnsOptions: flags.list("dns-option"),
      ExtraHosts: flags.list("add-host"),
      VolumesFrom: flags.list("volumes-from"),
      IpcMode: flags.string("ipc"),
      PidMode: mode(flags, "pid", /^(?:host|container:.+)?$/, "PID"),
      UTSMode: mode(flags, "uts", /^(?:host)?$/, "UTS"),
      UsernsMode: mode(flags, "userns", /^(?:host)?$/, "USER"),
      CgroupnsMode: mode(flags, "cgroupns", /^(?:host|private)?$/, "CGROUP"),
      ...capabilities(flags.list("cap-add"), flags.list("cap-drop")),
      GroupAdd: flags.list("group-add"),
      RestartPolicy: restart,
      SecurityOpt: security.options,
      StorageOpt: storageOptions(flags.list("storage-opt")),
      ReadonlyRootfs: flags.bool("read-only"),
      LogConfig:
        logDriver === "" && logOptions.length === 0
          ? undefined
          : { Type: logDriver, Config: toMap(logOptions) },
      VolumeDriver: flags.string("volume-driver"),
      Isolation: flags.string("isolation"),
      ShmSize: bytes(flags, "shm-size"),
      Tmpfs: Object.fromEntries(flags.list("tmpfs").map((spec) => cut(spec, ":"))),
      Sysctls: toMap(flags.list("sysctl")),
      Runtime: flags.string("runtime"),
      Mounts: mounts(flags),
      Annotations: toMap(flags.list("annotation")),
    }),
    ...(flags.has("init") ? { Init: flags.bool("init") } : {}),
    ...unmasked,
  };
}

const apiSocket = "/var/run/docker.sock";

function mounts(flags: Flags): readonly object[] {
  const given = flags.list("mount").map(parseMount);
  if (!flags.bool("use-api-socket")) return given;
  return [...given, { Type: "bind", Source: apiSocket, Target: apiSocket, BindOptions: {} }];
}

function mode(flags: Flags, name: string, valid: RegExp, what: string): string | undefined {
  const value = flags.string(name);
  if (value !== undefined && !valid.test(value)) throw commandFailed(`--${name}: invalid ${what} mode`);
  return value;
}

function bytes(flags: Flags, name: string): number | undefined {
  const value = flags.string(name);
  if (value === undefined) return undefined;
  return value === "-1" ? -1 : parseBytes(value);
}

/** Reads `on-failure:3`. @throws command-failed with docker's text */
export function restartPolicy(policy: string): { readonly Name: string; readonly MaximumRetryCount: number } {
  const [name, count] = cut(policy, ":");
  const wrong = (what: string): Error => commandFailed(`invalid restart policy format: ${what}`);
  if (policy.includes(":") && name === "") throw wrong("no policy provided before colon");
  if (count !== "" && !/^[+-]?\d+$/.test(count)) throw wrong("maximum retry count must be an integer");
  return { Name: name, MaximumRetryCount: Number(count) };
}

function storageOptions(words: readonly string[]): Record<string, string> {
  if (words.some((word) => !word.includes("="))) throw commandFailed("invalid storage option");
  return toMap(words);
}

/** Limits, as far as flags say them. @throws command-failed with docker's text */
export function resources(flags: Flags): HostConfig {
  const swappiness = flags.int("memory-swappiness");
  if (swappiness !== undefined && swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw commandFailed(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  const cpus = flags.string("cpus");
  const devices = flags.list("device");
  const cdi = devices.filter(isCdiDevice);
  const ulimits = new Map(
    flags
      .list("ulimit")
      .map(parseUlimit)
      .map((limit) => [limit.Name, limit]),
  );
  return given<HostConfig>({
    CgroupParent: flags.string("cgroup-parent"),
    Memory: bytes(flags, "memory"),
    MemoryReservation: bytes(flags, "memory-reservation"),
    MemorySwap: bytes(flags, "memory-swap"),
    MemorySwappiness: swappiness,
    OomKillDisable: flags.bool("oom-kill-disable"),
    NanoCpus: cpus === undefined ? undefined : parseNanoCpus(cpus),
    CpuCount: flags.int("cpu-count"),
    CpuPercent: flags.int("cpu-percent"),
    CpuShares: flags.int("cpu-shares"),
    CpuPeriod: flags.int("cpu-period"),
    CpuQuota: flags.int("cpu-quota"),
    CpusetCpus: flags.string("cpuset-cpus"),
    CpusetMems: flags.string("cpuset-mems"),
    CpuRealtimePeriod: flags.int("cpu-rt-period"),
    CpuRealtimeRuntime: flags.int("cpu-rt-runtime"),
    PidsLimit: flags.int("pids-limit"),
    BlkioWeight: flags.int("blkio-weight"),
    BlkioWeightDevice: flags.list("blkio-weight-device").map(parseWeight),
    BlkioDeviceReadBps: flags.list("device-read-bps").map(parseRate),
    BlkioDeviceWriteBps: flags.list("device-write-bps").map(parseRate),
    BlkioDeviceReadIOps: flags.list("device-read-iops").map(parseOperations),
    BlkioDeviceWriteIOps: flags.list("device-write-iops").map(parseOperations),
    IOMaximumIOps: flags.int("io-maxiops"),
    IOMaximumBandwidth: bytes(flags, "io-maxbandwidth"),
    Ulimits: [...ulimits.values()].toSorted((a, b) => (a.Name < b.Name ? -1 : 1)),
    DeviceCgroupRules: flags.list("device-cgroup-rule"),
    Devices: devices.filter((device) => !isCdiDevice(device)).map(parseDevice),
    DeviceRequests: [
      ...flags.list("gpus").map(parseGpus),
      ...(cdi.length === 0 ? [] : [{ Driver: "cdi", DeviceIDs: cdi }]),
    ],
  });
}

const durations = ["interval", "timeout", "start-period", "start-interval"] as const;

/** What the flags say of a healthcheck. @throws command-failed with docker's text */
export function healthcheck(flags: Flags): HealthConfig | undefined {
  const [interval, timeout, startPeriod, startInterval] = durations.map((name) => {
    const text = flags.string(`health-${name}`);
    const value = text === undefined ? 0 : parseDuration(text);
    if (value < 0) throw commandFailed(`--health-${name} cannot be negative`);
    return value;
  });
  const command = flags.string("health-cmd") ?? "";
  const retries = flags.int("health-retries") ?? 0;
  if (retries < 0) throw commandFailed("--health-retries cannot be negative");
  const settings = [command, interval, timeout, startPeriod, startInterval, retries];
  const wanted = settings.some((value) => value !== "" && value !== 0);
  if (flags.bool("no-healthcheck")) {
    if (wanted) throw commandFailed("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!wanted) return undefined;
  return {
    ...(command === "" ? {} : { Test: ["CMD-SHELL", command] }),
    Interval: interval,
    Timeout: timeout,
    StartPeriod: startPeriod,
    StartInterval: startInterval,
    Retries: retries,
  };
}
