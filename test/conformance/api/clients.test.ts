/**
 * What programs that manage containers ask, as they were heard asking it: cri-dockerd, testcontainers and its ryuk, lazydocker,
 * Portainer, Nomad, Traefik. The programs themselves aren't needed.
 * @module
 */
import { compareGroup, step, type Step } from "./compare.ts";

/** Go's clients send every field, with the zero value of its type. */
const zeroConfig = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};
const zeroLimits = {
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
};
const zeroHost = {
  ...zeroLimits,
  Binds: null,
  ContainerIDFile: "",
  LogConfig: { Type: "", Config: null },
  NetworkMode: "default",
  PortBindings: null,
  RestartPolicy: { Name: "", MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: "",
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: "",
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  ShmSize: 0,
  Isolation: "",
  MaskedPaths: null,
  ReadonlyPaths: null,
};

/** Filters as Go's clients send them: a set is a map to true. */
const filters = (value: Readonly<Record<string, readonly string[]>>): string => {
  const sets = Object.entries(value).map(([name, words]) => [
    name,
    Object.fromEntries(words.map((word) => [word, true])),
  ]);
  return `filters=${encodeURIComponent(JSON.stringify(Object.fromEntries(sets)))}`;
};

/** Steps that are named after a client and counted; `{x}` is what an earlier answer named. */
function asked(client: string, requests: readonly (readonly [string, Partial<Step>?])[]): readonly Step[] {
  return requests.map(([request, more], n) =>
    step(`${client} ${String(n + 1).padStart(2, "0")}`, request, more),
  );
}

const both = { AttachStdout: true, AttachStderr: true };
const ended = { until: '"Running":false' } as const;
const shown = { shape: true } as const;
const kubernetes = "/v1.46";
const pods = filters({ label: ["io.kubernetes.docker.type=podsandbox"] });
const oneContainer = filters({ label: ["io.kubernetes.docker.type=container"], name: ["k8s_c1"] });
const session = { "org.testcontainers": "true", "org.testcontainers.session-id": "df8b18ac7cd6" };
const served = {
  Image: "busybox",
  Cmd: ["sh", "-c", "echo ready; exec sleep 1000"],
  StopSignal: "SIGKILL",
  ExposedPorts: { "80": {} },
  Labels: session,
  HostConfig: { AutoRemove: false, PortBindings: { "80": [{ HostPort: "0" }] } },
};
/** dockerode sends its options as a query too. */
const asQuery = Object.entries(served)
  .flatMap(([name, value]) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    const text = (one: unknown): string => (typeof one === "string" ? one : JSON.stringify(one));
    return values.map((one) => `${name}=${encodeURIComponent(text(one))}`);
  })
  .join("&");

compareGroup("clients", {
  "cri-dockerd": asked("cri-dockerd", [
    [`GET ${kubernetes}/images/busybox/json`],
    [
      `POST ${kubernetes}/containers/create?name=k8s_POD_p1`,
      {
        as: "sandbox",
        body: {
          ...zeroConfig,
          Image: "busybox",
          Cmd: ["sleep", "1000"],
          ExposedPorts: { "80/tcp": {} },
          Labels: { "io.kubernetes.container.name": "POD", "io.kubernetes.docker.type": "podsandbox" },
          HostConfig: {
            ...zeroHost,
            PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "18081" }] },
            IpcMode: "shareable",
            OomScoreAdj: 998,
            SecurityOpt: ["no-new-privileges"],
            ShmSize: 67108864,
            CpuShares: 2,
          },
          NetworkingConfig: null,
        },
      },
    ],
    [`POST ${kubernetes}/containers/{sandbox}/start`],
    [`GET ${kubernetes}/containers/{sandbox}/json`],
    [
      `POST ${kubernetes}/containers/create?name=k8s_c1_p1`,
      {
        as: "member",
        body: {
          ...zeroConfig,
          Image: "busybox",
          Healthcheck: { Test: ["NONE"] },
          Entrypoint: ["sh", "-c", "echo started; exec sleep 1000"],
          Labels: { "io.kubernetes.docker.type": "container", "io.kubernetes.sandbox.id": "{sandbox}" },
          HostConfig: {
            ...zeroHost,
            NetworkMode: "container:{sandbox}",
            RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
            IpcMode: "container:{sandbox}",
            PidMode: "container:{sandbox}",
            SecurityOpt: ["seccomp=unconfined"],
            ShmSize: 67108864,
            CpuShares: 100,
            Memory: 67108864,
            MemorySwap: 67108864,
          },
          NetworkingConfig: null,
        },
      },
    ],
    [`POST ${kubernetes}/containers/{member}/start`],
    [`GET ${kubernetes}/containers/{member}/json`],
    [`GET ${kubernetes}/images/json?all=1&shared-size=1`, { sort: "RepoTags" }],
    [`GET ${kubernetes}/containers/json?all=1&${oneContainer}`],
    [`GET ${kubernetes}/containers/json?all=1&${pods}`],
    [
      `POST ${kubernetes}/containers/{member}/exec`,
      { as: "exec", body: { ...both, Cmd: ["echo", "syncok"] } },
    ],
    [`POST ${kubernetes}/exec/{exec}/start`, { body: { Detach: false, Tty: false }, upgrade: "" }],
    [`GET ${kubernetes}/exec/{exec}/json`, ended],
    [`GET ${kubernetes}/containers/{member}/json?size=1`],
    [`GET ${kubernetes}/containers/{member}/stats?one-shot=1&stream=0`, shown],
    [
      `POST ${kubernetes}/containers/{member}/update`,
      { body: { ...zeroLimits, CpuShares: 200, RestartPolicy: { Name: "", MaximumRetryCount: 0 } } },
    ],
    [`POST ${kubernetes}/containers/{member}/stop?t=0`],
    [`DELETE ${kubernetes}/containers/{member}?force=1&v=1`],
    [`POST ${kubernetes}/containers/{sandbox}/stop?t=0`],
    [`DELETE ${kubernetes}/containers/{sandbox}?force=1&v=1`],
  ]),
  "testcontainers and ryuk": asked("testcontainers", [
    ["GET /networks/bridge"],
    ["GET /containers/json"],
    [
      "POST /networks/create?Name=tcnet&CheckDuplicate=true&Driver=bridge",
      {
        as: "net",
        body: {
          Name: "tcnet",
          CheckDuplicate: true,
          Driver: "bridge",
          Internal: false,
          Attachable: false,
          Ingress: false,
          EnableIPv6: false,
          Labels: session,
        },
      },
    ],
    [`POST /containers/create?${asQuery}&name=tc`, { as: "tc", body: served }],
    ["POST /networks/{net}/connect", { body: { Container: "{tc}", EndpointConfig: { Aliases: ["w"] } } }],
    ["POST /containers/{tc}/start"],
    ["GET /containers/{tc}/json"],
    ["GET /containers/{tc}/logs?stdout=true&stderr=true&tail=-1&since=0", { until: "ready" }],
    ["POST /containers/{tc}/exec", { as: "exec", body: { ...both, Cmd: ["cat", "/etc/group"] } }],
    ["POST /exec/{exec}/start", { body: { Detach: false, Tty: false }, upgrade: "" }],
    ["GET /exec/{exec}/json", ended],
    [`GET /v1.32/containers/json?all=1&${filters({ label: ["org.testcontainers=true"] })}`],
    [`GET /v1.32/networks?${filters({ label: ["org.testcontainers=true"] })}`],
    [`GET /v1.32/volumes?${filters({ label: ["org.testcontainers=true"] })}`],
    [`POST /v1.32/images/prune?${filters({ label: ["org.testcontainers=true"], dangling: ["false"] })}`],
    ["POST /containers/{tc}/stop?t=0", { body: { t: 0 } }],
    ["DELETE /containers/{tc}?v=true"],
    ["DELETE /networks/{net}"],
  ]),
  "lazydocker and Portainer": asked("lazydocker", [
    [
      "POST /v1.25/containers/create?name=shown",
      {
        as: "shown",
        body: {
          ...served,
          Volumes: { "/data": {} },
          Labels: { shown: "yes" },
          HostConfig: { PortBindings: { "80": [{ HostPort: "18765" }] } },
        },
      },
    ],
    ["POST /v1.25/containers/shown/start"],
    ["GET /v1.25/containers/json?all=1"],
    ["GET /v1.25/containers/shown/json"],
    ["GET /v1.25/containers/shown/stats?stream=0", shown],
    ["GET /v1.25/containers/shown/top?ps_args=-o%20comm,pid", shown],
    ["GET /v1.25/containers/shown/logs?stdout=1&stderr=1&timestamps=1&since=0", { until: "ready" }],
    ["GET /v1.25/images/json"],
    ["GET /v1.25/images/busybox/history"],
    [`GET /v1.25/volumes?${filters({ dangling: ["true"] })}`],
    ["GET /v1.25/networks", { sort: "Name" }],
    [`POST /v1.25/containers/prune?${filters({ label: ["none"] })}`],
    [`POST /v1.25/images/prune?${filters({ label: ["none"], dangling: ["true"] })}`],
    [`POST /v1.25/volumes/prune?${filters({ label: ["none"] })}`],
    [`POST /v1.25/networks/prune?${filters({ label: ["none"] })}`],
    [`GET /v1.41/containers/json?all=true&size=true&${filters({ status: ["running"] })}`],
    ["GET /v1.41/images/json?all=0"],
    ["GET /v1.41/plugins"],
    ["GET /v1.41/swarm"],
    ["GET /v1.41/services"],
    [`GET /v1.41/tasks?${filters({ "desired-state": ["running"] })}`],
    ["GET /v1.41/secrets"],
    ["GET /v1.41/containers/shown/archive?path=/etc/group"],
    ["POST /v1.41/containers/shown/rename?name=renamed"],
    ["POST /v1.41/containers/renamed/restart?t=0"],
    ["POST /v1.41/containers/renamed/kill?signal=SIGKILL"],
    ["POST /v1.41/containers/renamed/wait"],
    ["DELETE /v1.41/containers/renamed?v=1&force=true"],
  ]),
  "Nomad and Traefik": asked("nomad", [
    [
      "POST /containers/create?name=task-alloc",
      {
        as: "task",
        body: {
          ...zeroConfig,
          Image: "busybox",
          Cmd: ["sleep", "1000"],
          StopSignal: "SIGKILL",
          Env: ["NOMAD_TASK=x"],
          ExposedPorts: { "8080/tcp": {}, "8080/udp": {} },
          Labels: { "com.hashicorp.nomad.alloc_id": "alloc" },
          HostConfig: {
            ...zeroHost,
            Memory: 67108864,
            MemorySwap: 67108864,
            MemorySwappiness: 0,
            CpuShares: 100,
            PortBindings: {
              "8080/tcp": [{ HostIp: "127.0.0.1", HostPort: "28080" }],
              "8080/udp": [{ HostIp: "127.0.0.1", HostPort: "28080" }],
            },
            LogConfig: { Type: "json-file", Config: { "max-file": "2", "max-size": "2m" } },
            CapDrop: ["NET_RAW"],
            NetworkMode: "bridge",
          },
          NetworkingConfig: { EndpointsConfig: { bridge: { Aliases: [], Links: null } } },
        },
      },
    ],
    ["POST /containers/{task}/start"],
    ["GET /containers/{task}/json"],
    // Ports of one number come in no order.
    [
      `GET /containers/json?all=true&${filters({ label: ["com.hashicorp.nomad.alloc_id"] })}`,
      { sort: "Type" },
    ],
    ["GET /containers/{task}/stats?stream=false", shown],
    ["GET /v1.24/containers/json?limit=0", { sort: "Type" }],
    ["GET /v1.24/containers/{task}/json"],
    ["POST /containers/{task}/kill?signal=SIGKILL"],
    ["POST /containers/{task}/wait"],
    ["POST /containers/{task}/stop?t=5"],
    ["DELETE /containers/{task}?v=true&force=true"],
  ]),
});
