/**
 * What the golden answers in test/engine/golden were asked of: bodies of the two containers, and how two answers differ.
 * dockerd 28.5.2 gave them with the same image, bodies and requests that the test uses.
 * @module
 */

/** Nothing but what must be: everything else is a default. */
export const plainBody: object = { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };

/** A bit of everything. */
export const fullBody: object = {
  Image: "busybox",
  Cmd: ["sleep", "1000"],
  Entrypoint: null,
  Hostname: "golden",
  Domainname: "example.org",
  User: "0:0",
  Env: ["A=b", "C="],
  Labels: { k: "v", empty: "" },
  ExposedPorts: { "80/tcp": {}, "53/udp": {} },
  Volumes: { "/anonymous": {} },
  WorkingDir: "/tmp",
  StopSignal: "SIGUSR1",
  StopTimeout: 7,
  Tty: true,
  OpenStdin: true,
  StdinOnce: true,
  AttachStdin: true,
  AttachStdout: true,
  AttachStderr: true,
  HostConfig: {
    NetworkMode: "none",
    Binds: ["golden-volume:/data:ro", "/usr:/host-usr:ro"],
    Mounts: [
      { Type: "tmpfs", Target: "/scratch", TmpfsOptions: { SizeBytes: 1048576, Mode: 448 } },
      { Type: "bind", Source: "/etc", Target: "/host-etc", ReadOnly: true },
    ],
    Tmpfs: { "/tmpfs": "size=1m" },
    Memory: 67108864,
    MemoryReservation: 33554432,
    MemorySwappiness: 10,
    CpuShares: 512,
    CpuQuota: 50000,
    CpuPeriod: 100000,
    CpusetCpus: "0-1",
    CpusetMems: "0",
    PidsLimit: 50,
    OomKillDisable: false,
    OomScoreAdj: 100,
    BlkioDeviceReadBps: [],
    CapAdd: ["NET_ADMIN"],
    CapDrop: ["MKNOD"],
    SecurityOpt: ["no-new-privileges"],
    GroupAdd: ["99"],
    Dns: ["192.0.2.1"],
    DnsSearch: ["example.org"],
    DnsOptions: ["ndots:2"],
    ExtraHosts: ["other:192.0.2.7"],
    Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/other", CgroupPermissions: "r" }],
    DeviceCgroupRules: ["c 1:3 r"],
    Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
    Sysctls: { "net.ipv4.ip_forward": "1" },
    ShmSize: 1048576,
    ReadonlyRootfs: true,
    LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "2" } },
    ConsoleSize: [24, 80],
    Annotations: { note: "x" },
    CgroupnsMode: "host",
    IpcMode: "shareable",
  },
};

/** A difference between two answers: where, and what each has. */
export interface Difference {
  readonly path: string;
  readonly golden: unknown;
  readonly ours: unknown;
}

/** Every place where `ours` differs from `golden`: fields on either side alone, other types, other values. */
export function differences(golden: unknown, ours: unknown, path = ""): Difference[] {
  if (isObject(golden) && isObject(ours)) {
    const names = new Set([...Object.keys(golden), ...Object.keys(ours)]);
    return [...names].flatMap((name) => differences(golden[name], ours[name], `${path}.${name}`));
  }
  if (Array.isArray(golden) && Array.isArray(ours) && golden.length === ours.length)
    return golden.flatMap((one, n) => differences(one, ours[n], `${path}[${n}]`));
  return JSON.stringify(golden) === JSON.stringify(ours) ? [] : [{ path, golden, ours }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
