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
const integer = Type.Integer();
const texts = Type.Array(text);
/** Docker's `strslice`: a list, or one string. */
const command = Type.Array(text, { stringOrList: true });
const labels = Type.Record(text, text);
const set = Type.Record(text, Type.Object({}));
const anything = Type.Unknown();

/** A type of Docker's API; fields of an embedded one have no name before them. */
function goName(value: string, field: string = value.replace(/^.*\./, "")): GoName {
  return { value, field };
}

/** A struct of Go: every field may be missing. */
function struct(fields: Record<string, TSchema>): TSchema {
  return Type.Object(
    Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, Type.Optional(type)])),
  );
}

const healthcheck = struct({
  Test: texts,
  Interval: integer,
  Timeout: integer,
  Retries: integer,
  StartPeriod: integer,
  StartInterval: integer,
});

const mount = struct({
  Type: text,
  Source: text,
  Target: text,
  ReadOnly: flag,
  Consistency: text,
  BindOptions: struct({
    Propagation: text,
    NonRecursive: flag,
    CreateMountpoint: flag,
    ReadOnlyNonRecursive: flag,
    ReadOnlyForceRecursive: flag,
  }),
  VolumeOptions: struct({
    NoCopy: flag,
    Labels: labels,
    Subpath: text,
    DriverConfig: struct({ Name: text, Options: labels }),
  }),
  ImageOptions: struct({ Subpath: text }),
  TmpfsOptions: struct({ SizeBytes: integer, Mode: integer, Options: Type.Array(texts) }),
  ClusterOptions: anything,
});

const device = struct({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text });
const weights = Type.Array(struct({ Path: text, Weight: integer }));
const rates = Type.Array(struct({ Path: text, Rate: integer }));
const port = struct({ HostIp: text, HostPort: text });

const portBindings = Type.Record(text, Type.Union([Type.Array(port), Type.Null()]));

const hostConfigFields = {
  Binds: texts,
  ContainerIDFile: text,
  LogConfig: struct({ Type: text, Config: labels }),
  NetworkMode: text,
  PortBindings: portBindings,
  RestartPolicy: struct({ Name: text, MaximumRetryCount: integer }),
  AutoRemove: flag,
  VolumeDriver: text,
  VolumesFrom: texts,
  Mounts: Type.Array(mount),
  ConsoleSize: Type.Tuple([integer, integer]),
  Annotations: labels,
  CapAdd: command,
  CapDrop: command,
  CgroupnsMode: text,
  Dns: texts,
  DnsOptions: texts,
  DnsSearch: texts,
  ExtraHosts: texts,
  GroupAdd: texts,
  IpcMode: text,
  Cgroup: text,
  Links: texts,
  OomScoreAdj: integer,
  PidMode: text,
  Privileged: flag,
  PublishAllPorts: flag,
  ReadonlyRootfs: flag,
  SecurityOpt: texts,
  StorageOpt: labels,
  Tmpfs: labels,
  UTSMode: text,
  UsernsMode: text,
  ShmSize: integer,
  Sysctls: labels,
  Runtime: text,
  Isolation: text,
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: integer,
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
    struct({
      Driver: text,
      Count: integer,
      DeviceIDs: texts,
      Capabilities: Type.Array(texts),
      Options: labels,
    }),
  ),
  KernelMemory: integer,
  KernelMemoryTCP: integer,
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: integer,
  OomKillDisable: flag,
  Init: flag,
  PidsLimit: integer,
  Ulimits: Type.Array(struct({ Name: text, Soft: integer, Hard: integer })),
  CpuCount: integer,
  CpuPercent: integer,
  IOMaximumIOps: integer,
  IOMaximumBandwidth: integer,
  MaskedPaths: texts,
  ReadonlyPaths: texts,
};

const hostConfig = struct(hostConfigFields);

const endpoint = struct({
  IPAMConfig: struct({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: texts }),
  Links: texts,
  Aliases: texts,
  MacAddress: text,
  DriverOpts: labels,
  GwPriority: integer,
  NetworkID: text,
  EndpointID: text,
  Gateway: text,
  IPAddress: text,
  IPPrefixLen: integer,
  IPv6Gateway: text,
  GlobalIPv6Address: text,
  GlobalIPv6PrefixLen: integer,
  DNSNames: texts,
});

const config = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ExposedPorts: set,
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
  StopTimeout: integer,
  Shell: command,
};

/** The fields of a container's portable half: a body without any of them has no configuration. */
export const configFields: ReadonlySet<string> = new Set(Object.keys(config));

/** `POST /containers/create`. */
export const readCreateBody: BodyReader<CreateBody> = bodyReader(
  struct({
    ...config,
    HostConfig: hostConfig,
    NetworkingConfig: struct({ EndpointsConfig: Type.Record(text, Type.Union([endpoint, Type.Null()])) }),
  }),
  goName("container.CreateRequest", ""),
);

const consoleSize = Type.Tuple([integer, integer]);

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
  struct({ Name: text, Driver: text, DriverOpts: labels, Labels: labels, ClusterVolumeSpec: anything }),
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
    ConfigFrom: struct({ Network: text }),
    IPAM: struct({
      Driver: text,
      Options: labels,
      Config: Type.Array(struct({ Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: labels })),
    }),
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
