import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CgroupFeatures, CgroupHost } from "../cgroup/mod.ts";
import { newState, type Status } from "./container.ts";
import { networkDefaults } from "./daemon-options.ts";
import { StateDatabase } from "./database.ts";
import { EventLog } from "./events.ts";
import { fakeHostPaths } from "./fake-services.ts";
import { NetworkStore } from "./network-store.ts";
import { SystemService, type SystemOptions } from "./system.ts";
import {
  exposureWarnings,
  limitWarnings,
  networkFacts,
  registryConfig,
  withoutCredentials,
} from "./system-facts.ts";
import { VolumeService } from "./volumes.ts";

const statuses: Status[] = ["running", "running", "paused", "exited", "created"];
/** A container with what the system reads of it. */
function containerIn(status: Status): unknown {
  const record = {
    id: "c1",
    created: "2024-01-01T00:00:00Z",
    path: "sh",
    args: [],
    chain: ["a"],
    mounts: [],
    config: { Image: "busybox", Labels: {} },
    hostConfig: { NetworkMode: "none" },
  };
  return { id: "c1", name: "g1", record, state: { ...newState(), status } };
}

const cgroupHost: CgroupHost = { version: 2, hybrid: false, hierarchies: [], files: new Map() };

async function withSystem(
  body: (system: SystemService, options: SystemOptions) => Promise<void>,
): Promise<void> {
  const dataRoot = await mkdtemp(join(tmpdir(), "system-"));
  const database = new StateDatabase(join(dataRoot, "db"));
  const events = new EventLog();
  const containers = statuses.map(containerIn);
  const services = {
    options: {
      hosts: [],
      sockets: [],
      dataRoot,
      logDriver: "json-file",
      cgroupDriver: "cgroupfs",
      userns: "auto",
      debug: false,
      labels: ["a=b"],
      insecureRegistries: [],
      registryMirrors: [],
      cdiSpecDirs: ["/etc/cdi"],
      network: networkDefaults,
    },
    facts: { kernel: "6.1.0", processors: 2, memory: 1024 },
    database,
    events,
    store: { all: () => containers, linked: () => [] },
    storage: {
      name: "overlay2",
      layers: async () => ["a", "b"],
      layerSize: async () => 21,
      containerSize: async () => 5,
    },
    volumes: new VolumeService({
      database,
      dataRoot,
      events,
      users: () => [],
      log: { error: () => undefined },
      measure: async () => 0,
      hostPaths: fakeHostPaths,
    }),
    networks: { store: new NetworkStore(database) },
    hostPaths: fakeHostPaths,
  } as unknown as SystemOptions["services"];
  const images = { list: async () => [{ Id: "sha256:aa" }] };
  const options = { services, images, cgroupHost };
  await body(new SystemService(options), options);
  database.close();
  await rm(dataRoot, { recursive: true });
}

test("info counts and tells what is true", async () =>
  withSystem(async (system, options) => {
    const info = await system.info();
    expect(info).toMatchObject({
      Containers: 5,
      ContainersRunning: 2,
      ContainersPaused: 1,
      ContainersStopped: 2,
      Images: 1,
      Driver: "overlay2",
      CgroupVersion: "2",
      NCPU: 2,
      MemTotal: 1024,
      Labels: ["a=b"],
      LiveRestoreEnabled: true,
      DefaultRuntime: "caisson",
      SecurityOptions: ["name=seccomp,profile=builtin", "name=userns", "name=cgroupns"],
      Plugins: { Network: ["bridge", "host", "ipvlan", "macvlan", "null"] },
      FirewallBackend: { Driver: "nftables" },
    });
    expect(info["ID"]).toMatch(/^[0-9a-f-]{36}$/);
    expect((await new SystemService(options).info())["ID"]).toBe(info["ID"]);
    expect(info["Warnings"]).toContain("WARNING: No memory limit support");
  }));

test("version has Docker's fields", async () =>
  withSystem(async (system) => {
    const version = await system.version();
    expect(version).toMatchObject({
      ApiVersion: "1.51",
      MinAPIVersion: "1.24",
      Os: "linux",
      KernelVersion: "6.1.0",
    });
    expect(version["Version"]).toMatch(/^28\.5\.2/);
  }));

test("disk usage sums up", async () =>
  withSystem(async (system, { services }) => {
    await services.volumes.create({ Name: "abc" });
    expect(await system.df(new Set(["volume"]))).toEqual({
      LayersSize: 0,
      Images: null,
      Containers: null,
      Volumes: [expect.objectContaining({ Name: "abc" })],
      BuildCache: null,
    });
    expect(await system.df(new Set(["container", "image", "volume", "build-cache"]))).toMatchObject({
      LayersSize: 42,
      Images: [{ Id: "sha256:aa" }],
      Containers: statuses.map((State) => ({ Id: "c1", State, SizeRw: 5, SizeRootFs: 26 })),
      Volumes: [{ Name: "abc", UsageData: { RefCount: 0, Size: 0 } }],
      BuildCache: [],
    });
  }));

test("credentials are checked with the registry that was named", async () =>
  withSystem(async (system) => {
    const bad = system.auth({ username: "a", password: "b", serveraddress: "127.0.0.1:1" });
    expect(bad).rejects.toThrow("connection refused");
    expect(system.auth({ serveraddress: "http://[" })).rejects.toThrow("unable to parse server address");
  }));

test("missing limits are told in Docker's words", () => {
  const none = new Proxy({}, { get: () => false }) as CgroupFeatures;
  const all = new Proxy({}, { get: () => true }) as CgroupFeatures;
  expect(limitWarnings(all, 1)).toEqual([]);
  expect(limitWarnings(none, 1)).toContain("WARNING: No blkio throttle.read_bps_device support");
  expect(limitWarnings(none, 1)).toContain("WARNING: No oom kill disable support");
  expect(limitWarnings(none, 2)).toContain("WARNING: No io.max (rbps) support");
  expect(limitWarnings(none, 2)).not.toContain("WARNING: No oom kill disable support");
});

test("pools are told if they are set, the firewall unless there is none", () => {
  const set = { iptables: false, ip6tables: false, defaultAddressPools: [{ base: "10.0.0.0/8", size: 24 }] };
  expect(networkFacts(set)).toEqual({ DefaultAddressPools: [{ Base: "10.0.0.0/8", Size: 24 }] });
  expect(networkFacts({ ...set, ip6tables: true, defaultAddressPools: [] })).toEqual({
    FirewallBackend: { Driver: "nftables" },
  });
});

test("registries and proxies are shown without secrets", () => {
  expect(registryConfig(["10.0.0.0/8", "r:5000"], ["https://m"])).toMatchObject({
    IndexConfigs: { "docker.io": { Mirrors: ["https://m/"] }, "r:5000": { Secure: false } },
    InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", "10.0.0.0/8"],
    Mirrors: ["https://m/"],
  });
  expect(withoutCredentials("http://u:p@h:3128/")).toBe("http://xxxxx:xxxxx@h:3128/");
  expect(withoutCredentials("http://h:3128")).toBe("http://h:3128");
});

test("an API that is open to everybody is warned of in Docker's words", () => {
  const hosts = ["unix:///a", "tcp://0.0.0.0:2375"];
  expect(exposureWarnings({ hosts, sockets: [] })).toEqual([
    "WARNING: API is accessible on http://0.0.0.0:2375 without encryption.\n         Access to the remote API is equivalent to root access on the host. Refer\n         to the 'Docker daemon attack surface' section in the documentation for\n         more information: https://docs.docker.com/go/attack-surface/",
  ]);
  const tls = { cert: "c", key: "k" };
  expect(exposureWarnings({ hosts: [], sockets: [{ host: "tcp://[::]:1" }], tls })[0]).toStartWith(
    "WARNING: API is accessible on https://[::]:1 without TLS client verification.",
  );
  expect(exposureWarnings({ hosts, sockets: [], tls: { ...tls, clientCa: "x" } })).toEqual([]);
});
