/**
 * The bodies that requests bring: containers, processes, volumes, credentials. Field names and types are Docker's.
 * @module
 */
import { Type, type TSchema } from "typebox";
import type {
  ConnectBody,
  CreateBody,
  DisconnectBody,
  ExecBody,
  NetworkBody,
  RegistryAuth,
  UpdateBody,
  VolumeBody,
} from "../engine/mod.ts";
import { bodyReader, type BodyReader, type GoName } from "./body-schema.ts";

const text = Type.String();
const flag = Type.Boolean();
/** An int64 of Go's, as far as numbers tell them apart. */
const integer = Type.Integer({ minimum: -(2 ** 63), maximum: 2 ** 63 });
const texts = Type.Array(text);
/** Docker's `strslice`: a list, or one string. */
const command = Type.Array(text, { stringOrList: true });
const labels = Type.Record(text, text);
const set = Type.Record(text, Type.Object({}, { goType: "struct {}" }));
const anything = Type.Unknown();

/** A type of Docker's API; fields of an embedded one have no name before them. */
function goName(value: string, field: string = value.replace(/^.*\./, "")): GoName {
  return { value, field };
}

/** A struct of Go: every field may be missing. `goType` is how the decoder calls it. */
function struct(fields: Record<string, TSchema>, goType?: string): TSchema {
  return Type.Object(
    Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, Type.Optional(type)])),
    goType === undefined ? {} : { goType },
  );
}

/** A string that Go's decoder calls otherwise. */
const named = (goType: string): TSchema => Type.String({ goType });
const int = Type.Integer({ minimum: -(2 ** 63), maximum: 2 ** 63, goType: "int" });
const uint = Type.Integer({ minimum: 0, maximum: 2 ** 64, goType: "uint" });
const uint16 = Type.Integer({ minimum: 0, maximum: 65_535, goType: "uint16" });
const uint32 = (goType: string): TSchema => Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1, goType });
const duration = Type.Integer({ minimum: -(2 ** 63), maximum: 2 ** 63, goType: "time.Duration" });

const healthcheck = struct(
  {
    Test: texts,
    Interval: duration,
    Timeout: duration,
    Retries: int,
    StartPeriod: duration,
    StartInterval: duration,
  },
  "v1.HealthcheckConfig",
);

const mount = struct(
  {
    Type: named("mount.Type"),
    Source: text,
    Target: text,
    ReadOnly: flag,
    Consistency: named("mount.Consistency"),
    BindOptions: struct(
      {
        Propagation: named("mount.Propagation"),
        NonRecursive: flag,
        CreateMountpoint: flag,
        ReadOnlyNonRecursive: flag,
        ReadOnlyForceRecursive: flag,
      },
      "mount.BindOptions",
    ),
    VolumeOptions: struct(
      {
        NoCopy: flag,
        Labels: labels,
        Subpath: text,
        DriverConfig: struct({ Name: text, Options: labels }, "mount.Driver"),
      },
      "mount.VolumeOptions",
    ),
    ImageOptions: struct({ Subpath: text }, "mount.ImageOptions"),
    TmpfsOptions: struct(
      { SizeBytes: integer, Mode: uint32("fs.FileMode"), Options: Type.Array(texts) },
      "mount.TmpfsOptions",
    ),
    ClusterOptions: anything,
  },
  "mount.Mount",
);

const device = struct(
  { PathOnHost: text, PathInContainer: text, CgroupPermissions: text },
  "container.DeviceMapping",
);
const weights = Type.Array(struct({ Path: text, Weight: uint16 }, "blkiodev.WeightDevice"), {
  goType: "[]*blkiodev.WeightDevice",
});
const rate = Type.Integer({ minimum: 0, maximum: 2 ** 64, goType: "uint64" });
const rates = Type.Array(struct({ Path: text, Rate: rate }, "blkiodev.ThrottleDevice"), {
  goType: "[]*blkiodev.ThrottleDevice",
});
const port = struct({ HostIp: text, HostPort: text }, "nat.PortBinding");

const portBindings = Type.Record(text, Type.Union([Type.Array(port), Type.Null()]), {
  goType: "nat.PortMap",
});

const hostConfigFields = {
  Binds: texts,
  ContainerIDFile: text,
  LogConfig: struct({ Type: text, Config: labels }, "container.LogConfig"),
  NetworkMode: named("container.NetworkMode"),
  PortBindings: portBindings,
  RestartPolicy: struct(
    { Name: named("container.RestartPolicyMode"), MaximumRetryCount: int },
    "container.RestartPolicy",
  ),
  AutoRemove: flag,
  VolumeDriver: text,
  VolumesFrom: texts,
  Mounts: Type.Array(mount),
  ConsoleSize: Type.Tuple([uint, uint], { goType: "[2]uint" }),
  Annotations: labels,
  CapAdd: command,
  CapDrop: command,
  CgroupnsMode: named("container.CgroupnsMode"),
  Dns: texts,
  DnsOptions: texts,
  DnsSearch: texts,
  ExtraHosts: texts,
  GroupAdd: texts,
  IpcMode: named("container.IpcMode"),
  Cgroup: named("container.CgroupSpec"),
  Links: texts,
  OomScoreAdj: int,
  PidMode: named("container.PidMode"),
  Privileged: flag,
  PublishAllPorts: flag,
  ReadonlyRootfs: flag,
  SecurityOpt: texts,
  StorageOpt: labels,
  Tmpfs: labels,
  UTSMode: named("container.UTSMode"),
  UsernsMode: named("container.UsernsMode"),
  ShmSize: integer,
  Sysctls: labels,
  Runtime: text,
  Isolation: named("container.Isolation"),
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: uint16,
  BlkioWeightDevice: weights,
  BlkioDeviceReadBps: rates,
  BlkioDeviceWriteBps: rates,
  BlkioDeviceReadIOps: rates,
  BlkioDeviceWriteIOps: rates,
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: Type.Array(device),
  DeviceCgroupRules: texts,
  DeviceRequests: Type.Array(
    struct(
      {
        Driver: text,
        Count: int,
        DeviceIDs: texts,
        Capabilities: Type.Array(texts),
        Options: labels,
      },
      "container.DeviceRequest",
    ),
  ),
  KernelMemory: integer,
  KernelMemoryTCP: integer,
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: integer,
  OomKillDisable: flag,
  Init: flag,
  PidsLimit: integer,
  Ulimits: Type.Array(struct({ Name: text, Soft: integer, Hard: integer }, "units.Ulimit"), {
    goType: "[]*units.Ulimit",
  }),
  CpuCount: integer,
  CpuPercent: integer,
  IOMaximumIOps: integer,
  IOMaximumBandwidth: integer,
  MaskedPaths: texts,
  ReadonlyPaths: texts,
};

const hostConfig = struct(hostConfigFields, "container.HostConfig");

const endpoint = struct(
  {
    IPAMConfig: struct(
      { IPv4Address: text, IPv6Address: text, LinkLocalIPs: texts },
      "network.EndpointIPAMConfig",
    ),
    Links: texts,
    Aliases: texts,
    MacAddress: text,
    DriverOpts: labels,
    GwPriority: int,
    NetworkID: text,
    EndpointID: text,
    Gateway: text,
    IPAddress: text,
    IPPrefixLen: int,
    IPv6Gateway: text,
    GlobalIPv6Address: text,
    GlobalIPv6PrefixLen: int,
    DNSNames: texts,
  },
  "network.EndpointSettings",
);

const config = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ExposedPorts: Type.Record(text, Type.Object({}, { goType: "struct {}" }), { goType: "nat.PortSet" }),
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  Env: texts,
  Cmd: command,
  Healthcheck: healthcheck,
  ArgsEscaped: flag,
  Image: text,
  Volumes: set,
  WorkingDir: text,
  Entrypoint: command,
  NetworkDisabled: flag,
  MacAddress: text,
  OnBuild: texts,
  Labels: labels,
  StopSignal: text,
  StopTimeout: int,
  Shell: command,
};

/** The fields of a container's portable half: a body without any of them has no configuration. */
export const configFields: ReadonlySet<string> = new Set(Object.keys(config));

/** `POST /containers/create`. */
export const readCreateBody: BodyReader<CreateBody> = bodyReader(
  struct({
    ...config,
    HostConfig: hostConfig,
    NetworkingConfig: struct(
      {
        EndpointsConfig: Type.Record(text, Type.Union([endpoint, Type.Null()]), {
          goType: "map[string]*network.EndpointSettings",
        }),
      },
      "network.NetworkingConfig",
    ),
  }),
  goName("container.CreateRequest", ""),
);

const consoleSize = Type.Tuple([uint, uint], { goType: "[2]uint" });

/** `POST /containers/{id}/exec`. */
export const readExecBody: BodyReader<ExecBody> = bodyReader(
  struct({
    AttachStdin: flag,
    AttachStdout: flag,
    AttachStderr: flag,
    DetachKeys: text,
    Tty: flag,
    ConsoleSize: consoleSize,
    Env: texts,
    Cmd: texts,
    Privileged: flag,
    User: text,
    WorkingDir: text,
  }),
  goName("container.ExecOptions"),
);

/** `POST /exec/{id}/start`. */
export interface ExecStartBody {
  readonly Detach?: boolean;
  readonly Tty?: boolean;
  readonly ConsoleSize?: readonly [number, number];
}

/** Reads {@link ExecStartBody}. */
export const readExecStartBody: BodyReader<ExecStartBody> = bodyReader(
  struct({ Detach: flag, Tty: flag, ConsoleSize: consoleSize }),
  goName("container.ExecStartOptions"),
);

/** `POST /containers/{id}/update`: of a HostConfig what can be changed; more than Docker's own fields. */
export const readUpdateBody: BodyReader<UpdateBody> = bodyReader(
  struct({
    ...hostConfigFields,
    Labels: Type.Record(text, Type.Union([text, Type.Null()])),
    Healthcheck: healthcheck,
  }),
  goName("container.UpdateConfig"),
);

/** `POST /volumes/create`. */
export const readVolumeBody: BodyReader<VolumeBody> = bodyReader(
  struct({
    Name: text,
    Driver: text,
    DriverOpts: labels,
    Labels: labels,
    ClusterVolumeSpec: Type.Unsafe<object>(struct({}, "volume.ClusterVolumeSpec")),
  }),
  goName("volume.CreateOptions"),
);

/** `POST /networks/create` */
export const readNetworkBody: BodyReader<NetworkBody> = bodyReader(
  struct({
    Name: text,
    CheckDuplicate: flag,
    Driver: text,
    Scope: text,
    Internal: flag,
    Attachable: flag,
    Ingress: flag,
    ConfigOnly: flag,
    ConfigFrom: struct({ Network: text }, "network.ConfigReference"),
    IPAM: struct(
      {
        Driver: text,
        Options: labels,
        Config: Type.Array(
          struct(
            { Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: labels },
            "network.IPAMConfig",
          ),
        ),
      },
      "network.IPAM",
    ),
    EnableIPv4: flag,
    EnableIPv6: flag,
    Options: labels,
    Labels: labels,
  }),
  goName("network.CreateRequest"),
);

/** `POST /networks/{id}/connect` */
export const readConnectBody: BodyReader<ConnectBody> = bodyReader(
  struct({ Container: text, EndpointConfig: endpoint }),
  goName("network.ConnectOptions"),
);

/** `POST /networks/{id}/disconnect` */
export const readDisconnectBody: BodyReader<DisconnectBody> = bodyReader(
  struct({ Container: text, Force: flag }),
  goName("network.DisconnectOptions"),
);

/** `POST /auth`, and what `X-Registry-Auth` holds. */
export const readAuth: BodyReader<RegistryAuth> = bodyReader(
  struct({
    username: text,
    password: text,
    email: text,
    auth: text,
    serveraddress: text,
    identitytoken: text,
    registrytoken: text,
  }),
  goName("registry.AuthConfig", ""),
);

const readers: readonly BodyReader<unknown>[] = [
  readCreateBody,
  readExecBody,
  readExecStartBody,
  readVolumeBody,
  readNetworkBody,
  readConnectBody,
  readDisconnectBody,
  readAuth,
];

/** Compiles every schema now rather than at its first use. */
export function compileSchemas(): void {
  for (const read of readers) read({});
}
