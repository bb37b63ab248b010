/**
 * Docker's API as the generator knows it: what each request can say.
 * @module
 */
import type { FieldType } from "./odd-values.ts";

/** A body's smallest form that works, and what else it can have: `FIELD.FIELD` and its type. */
export interface BodyShape {
  readonly base: Readonly<Record<string, unknown>>;
  readonly fields: readonly (readonly [path: string, type: FieldType])[];
}

/** A method and a path with what goes with them. `{KIND}` in the path and in a body is the name of an object. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  /** Parameters that always go along. */
  readonly given?: Readonly<Record<string, string>>;
  /** Parameters that it knows. */
  readonly query?: readonly string[];
  readonly body?: BodyShape;
  /** Its answer may go on for ever. */
  readonly endless?: true;
  /** It takes the connection over. */
  readonly hijack?: true;
  /** It means objects of everybody: not for those who share an engine. */
  readonly global?: true;
}

/** `a:s b:l` as pairs. */
function fields(text: string): BodyShape["fields"] {
  return text
    .trim()
    .split(/\s+/)
    .map((each) => {
      const [path = "", type = "x"] = each.split(":");
      return [path, type as FieldType] as const;
    });
}

const hostConfig = `
Binds:l ContainerIDFile:s LogConfig.Type:s LogConfig.Config:m NetworkMode:s PortBindings:x RestartPolicy.Name:s
RestartPolicy.MaximumRetryCount:n AutoRemove:b VolumeDriver:s VolumesFrom:l Mounts:x ConsoleSize:x Annotations:m CapAdd:l
CapDrop:l CgroupnsMode:s Dns:l DnsOptions:l DnsSearch:l ExtraHosts:l GroupAdd:l IpcMode:s Cgroup:s Links:l OomScoreAdj:n
PidMode:s Privileged:b PublishAllPorts:b ReadonlyRootfs:b SecurityOpt:l Tmpfs:m UTSMode:s UsernsMode:s ShmSize:n Sysctls:m
Runtime:s Isolation:s MaskedPaths:l ReadonlyPaths:l Init:b`;

const limits = `
CpuShares:n Memory:n NanoCpus:n BlkioWeight:n BlkioWeightDevice:x BlkioDeviceReadBps:x CpuPeriod:n CpuQuota:n
CpuRealtimePeriod:n CpuRealtimeRuntime:n CpusetCpus:s CpusetMems:s Devices:x DeviceCgroupRules:l DeviceRequests:x
KernelMemoryTCP:n MemoryReservation:n MemorySwap:n MemorySwappiness:n OomKillDisable:b PidsLimit:n Ulimits:x CgroupParent:s`;

const inHost = (text: string): string =>
  text
    .trim()
    .split(/\s+/)
    .map((each) => `HostConfig.${each}`)
    .join(" ");

const endpoint =
  "IPAMConfig.IPv4Address:s IPAMConfig.IPv6Address:s IPAMConfig.LinkLocalIPs:l Links:l Aliases:l MacAddress:s DriverOpts:m GwPriority:n";
const inEndpoint = (prefix: string): string =>
  endpoint
    .split(" ")
    .map((each) => `${prefix}.${each}`)
    .join(" ");

const create: BodyShape = {
  base: { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } },
  fields: fields(`
Hostname:s Domainname:s User:s AttachStdin:b AttachStdout:b ExposedPorts:e Tty:b OpenStdin:b StdinOnce:b Env:l Cmd:l
Healthcheck.Test:l Healthcheck.Interval:n Healthcheck.Timeout:n Healthcheck.Retries:n Healthcheck.StartPeriod:n
Healthcheck.StartInterval:n Healthcheck:x Image:s Volumes:e WorkingDir:s Entrypoint:l NetworkDisabled:b MacAddress:s
OnBuild:l Labels:m StopSignal:s StopTimeout:n Shell:l ${inHost(hostConfig)} ${inHost(limits)} HostConfig:x
NetworkingConfig:x NetworkingConfig.EndpointsConfig:x ${inEndpoint("NetworkingConfig.EndpointsConfig.none")}`),
};

const mount =
  "Type:s Source:s Target:s ReadOnly:b Consistency:s BindOptions.Propagation:s BindOptions.CreateMountpoint:b VolumeOptions.Labels:m VolumeOptions.Subpath:s VolumeOptions.DriverConfig.Name:s VolumeOptions.DriverConfig.Options:m TmpfsOptions.SizeBytes:n TmpfsOptions.Mode:n TmpfsOptions.Options:x ImageOptions.Subpath:s";
const mounting = (type: string, source: string): BodyShape => ({
  base: {
    Image: "busybox",
    HostConfig: { NetworkMode: "none", Mounts: [{ Type: type, Source: source, Target: "/z" }] },
  },
  fields: fields(
    mount
      .split(" ")
      .map((each) => `HostConfig.Mounts.0.${each}`)
      .join(" "),
  ),
});

const exec: BodyShape = {
  base: { Cmd: ["true"] },
  fields: fields(
    "AttachStdin:b AttachStdout:b AttachStderr:b DetachKeys:s Tty:b ConsoleSize:x Env:l Cmd:l Cmd:s Privileged:b User:s WorkingDir:s",
  ),
};

const one = (method: string, path: string, more: Omit<Endpoint, "method" | "path"> = {}): Endpoint => ({
  method,
  path,
  ...more,
});

/** Every request that is mutated. */
export const endpoints: readonly Endpoint[] = [
  one("GET", "/containers/json", {
    query: ["all", "limit", "size", "filters", "before", "since"],
    given: { all: "1" },
  }),
  ...Array.from({ length: 6 }, () =>
    one("POST", "/containers/create", { query: ["name", "platform"], body: create }),
  ),
  one("POST", "/containers/create", { body: mounting("volume", "{volume}") }),
  one("POST", "/containers/create", { body: mounting("bind", "/") }),
  one("POST", "/containers/create", { body: mounting("tmpfs", "") }),
  one("GET", "/containers/{container}/json", { query: ["size"] }),
  one("GET", "/containers/{container}/top", { query: ["ps_args"] }),
  one("GET", "/containers/{container}/logs", {
    given: { stdout: "1" },
    query: ["stdout", "stderr", "since", "until", "timestamps", "tail", "details", "follow"],
    endless: true,
  }),
  one("GET", "/containers/{container}/changes"),
  one("GET", "/containers/{container}/export"),
  one("GET", "/containers/{container}/stats", {
    given: { stream: "0", "one-shot": "1" },
    query: ["stream", "one-shot"],
    endless: true,
  }),
  one("POST", "/containers/{container}/resize", { given: { h: "10", w: "10" }, query: ["h", "w"] }),
  one("POST", "/containers/{container}/start", { query: ["detachKeys", "checkpoint"] }),
  one("POST", "/containers/{container}/stop", { given: { t: "0" }, query: ["t", "signal"] }),
  one("POST", "/containers/{container}/restart", { given: { t: "0" }, query: ["t", "signal"] }),
  one("POST", "/containers/{container}/kill", { given: { signal: "0" }, query: ["signal"] }),
  one("POST", "/containers/{container}/update", {
    body: {
      base: {},
      fields: fields(`${limits} RestartPolicy.Name:s RestartPolicy.MaximumRetryCount:n RestartPolicy:x`),
    },
  }),
  one("POST", "/containers/{container}/rename", { query: ["name"] }),
  one("POST", "/containers/{container}/pause"),
  one("POST", "/containers/{container}/unpause"),
  one("POST", "/containers/{container}/attach", {
    given: { stream: "1", stdout: "1" },
    query: ["stdin", "stdout", "stderr", "stream", "logs", "detachKeys"],
    endless: true,
    hijack: true,
  }),
  one("GET", "/containers/{container}/attach/ws", {
    query: ["stdin", "stream", "detachKeys"],
    endless: true,
  }),
  one("POST", "/containers/{container}/wait", { query: ["condition"], endless: true }),
  one("DELETE", "/containers/{container}", { query: ["force", "v", "link"] }),
  one("HEAD", "/containers/{container}/archive", { given: { path: "/" }, query: ["path"] }),
  one("GET", "/containers/{container}/archive", { given: { path: "/etc" }, query: ["path"] }),
  one("PUT", "/containers/{container}/archive", {
    given: { path: "/" },
    query: ["path", "noOverwriteDirNonDir", "copyUIDGID"],
  }),
  one("POST", "/containers/{container}/exec", { body: exec }),
  one("POST", "/exec/{exec}/start", {
    body: { base: { Detach: true }, fields: fields("Detach:b Tty:b ConsoleSize:x") },
    endless: true,
    hijack: true,
  }),
  one("POST", "/exec/{exec}/resize", { given: { h: "10", w: "10" }, query: ["h", "w"] }),
  one("GET", "/exec/{exec}/json"),
  one("POST", "/commit", {
    given: { container: "{container}" },
    query: ["container", "repo", "tag", "comment", "author", "pause", "changes"],
    body: {
      base: {},
      fields: create.fields.filter(([path]) => !path.includes(".") && path !== "HostConfig"),
    },
  }),
  one("GET", "/images/json", { query: ["all", "filters", "digests", "shared-size", "manifests"] }),
  one("POST", "/images/create", {
    given: { fromSrc: "-", repo: "{image}" },
    query: ["repo", "tag", "message", "changes", "platform"],
  }),
  one("POST", "/images/load", { query: ["quiet", "platform"] }),
  one("GET", "/images/{image}/json", { query: ["platform", "manifests"] }),
  one("GET", "/images/{image}/history", { query: ["platform"] }),
  one("GET", "/images/{image}/get", { query: ["platform"] }),
  one("GET", "/images/get", { given: { names: "{image}" }, query: ["names", "platform"] }),
  one("POST", "/images/{image}/tag", { given: { repo: "{image}", tag: "z" }, query: ["repo", "tag"] }),
  one("DELETE", "/images/{image}", { query: ["force", "noprune", "platforms"] }),
  one("GET", "/volumes", { query: ["filters"] }),
  ...Array.from({ length: 2 }, () =>
    one("POST", "/volumes/create", {
      body: {
        base: { Name: "{volume}-z" },
        fields: fields("Name:s Driver:s DriverOpts:m Labels:m ClusterVolumeSpec:x"),
      },
    }),
  ),
  one("GET", "/volumes/{volume}"),
  one("PUT", "/volumes/{volume}", { query: ["version"] }),
  one("DELETE", "/volumes/{volume}", { query: ["force"] }),
  one("GET", "/networks", { query: ["filters"] }),
  one("GET", "/networks/{network}", { query: ["verbose", "scope"] }),
  ...Array.from({ length: 3 }, () =>
    one("POST", "/networks/create", {
      body: {
        base: { Name: "{network}-z", IPAM: { Config: [{ Subnet: "10.255.255.0/24" }] } },
        fields:
          fields(`Name:s Driver:s Scope:s Internal:b Attachable:b Ingress:b ConfigOnly:b ConfigFrom.Network:s ConfigFrom:x
IPAM.Driver:s IPAM.Options:m IPAM.Config:x IPAM.Config.0.Subnet:s IPAM.Config.0.IPRange:s IPAM.Config.0.Gateway:s
IPAM.Config.0.AuxiliaryAddresses:m EnableIPv4:b EnableIPv6:b Options:m Labels:m IPAM:x`),
      },
    }),
  ),
  one("POST", "/networks/{network}/connect", {
    body: {
      base: { Container: "{container}", EndpointConfig: {} },
      fields: fields(`Container:s EndpointConfig:x ${inEndpoint("EndpointConfig")}`),
    },
  }),
  one("POST", "/networks/{network}/disconnect", {
    body: { base: { Container: "{container}" }, fields: fields("Container:s Force:b") },
  }),
  one("DELETE", "/networks/{network}"),
  one("GET", "/system/df", { query: ["type"] }),
  one("GET", "/events", { given: { until: "1" }, query: ["since", "until", "filters"], endless: true }),
  one("GET", "/_ping"),
  one("GET", "/version"),
  one("POST", "/containers/prune", {
    given: { filters: '{"label":["z"]}' },
    query: ["filters"],
    global: true,
  }),
  one("POST", "/images/prune", { given: { filters: '{"label":["z"]}' }, query: ["filters"], global: true }),
  one("POST", "/volumes/prune", { given: { filters: '{"label":["z"]}' }, query: ["filters"], global: true }),
  one("POST", "/networks/prune", { given: { filters: '{"label":["z"]}' }, query: ["filters"], global: true }),
];
