import { afterEach, beforeEach, expect, test } from "bun:test";
import { FakeServices } from "./fake-services.ts";
import { inspectContainer, type InspectContext } from "./inspect.ts";
import type { MountPoint } from "./container.ts";
import { Summaries } from "./summary.ts";

let fake: FakeServices;
let context: InspectContext;
beforeEach(() => {
  fake = new FakeServices();
  context = { services: fake.services, runningExecs: () => [] };
});
afterEach(() => fake[Symbol.dispose]());

const mount = (change: Partial<MountPoint>): MountPoint => ({
  type: "bind",
  source: "/srv",
  destination: "/x",
  mode: "ro",
  writable: false,
  propagation: "rprivate",
  recursive: true,
  recursiveReadOnly: false,
  anonymous: false,
  mustExist: false,
  copyUp: false,
  tmpfsOptions: [],
  ...change,
});

const running = { status: "running", pid: 42, startedAt: "2026-01-02T03:04:06Z" } as const;

test("one that never ran has no files yet", async () => {
  const { container } = fake.container();
  const none = { HostsPath: "", HostnamePath: "", ResolvConfPath: "", LogPath: "" };
  expect(await inspectContainer(context, container, false)).toMatchObject(none);
});

test("state, files and layers of a running container", async () => {
  const { container } = fake.container(
    { ...running, networks: [{ name: "bridge", settings: {} }] },
    { host: { NetworkMode: "bridge" } },
  );
  const json = await inspectContainer(context, container, false);
  const folder = fake.services.paths.container(container.id);
  expect(json).toMatchObject({
    Id: container.id,
    Name: "/web",
    State: { Status: "running", Running: true, Paused: false, Pid: 42 },
    HostsPath: `${folder}/hosts`,
    LogPath: `${folder}/${container.id}-json.log`,
    ExecIDs: null,
    GraphDriver: { Name: "overlay2", Data: { LowerDir: "/layers/1111", UpperDir: `/${container.id}/diff` } },
    NetworkSettings: {
      SandboxKey: "/proc/42/ns/net",
      Networks: { bridge: { NetworkID: "", EndpointID: "" } },
    },
    UserNamespace: { Mode: "private", Reason: "default" },
  });
  expect(json).not.toHaveProperty("SizeRw");
});

test("a paused container runs", async () => {
  const { container } = fake.container({ status: "paused", pid: 42 });
  expect((await inspectContainer(context, container, false))["State"]).toMatchObject({
    Status: "paused",
    Running: true,
    Paused: true,
  });
});

test("one that joins another's network has its files and no network of its own", async () => {
  const { container } = fake.container(running, { host: { NetworkMode: "container:other" } });
  expect(await inspectContainer(context, container, false)).toMatchObject({
    HostsPath: `${fake.services.paths.container("other")}/hosts`,
    NetworkSettings: { SandboxKey: "", Networks: {} },
  });
});

test("sizes are only measured when they are asked for: what it wrote, and all layers", async () => {
  const { container } = fake.container();
  const [chain = ""] = container.record.chain;
  fake.storage.unpacked.set(chain, { paths: [], size: 1000 });
  fake.storage.containerSize = async () => 50;
  expect(await inspectContainer(context, container, true)).toMatchObject({ SizeRw: 50, SizeRootFs: 1050 });
  expect(await new Summaries(fake.services).withSizes(container)).toMatchObject({
    SizeRw: 50,
    SizeRootFs: 1050,
  });
});

test("mounts by their kind; those of --tmpfs are not shown", async () => {
  const mounts = [
    mount({}),
    mount({ type: "volume", name: "data", source: "/v", destination: "/v", writable: true }),
    mount({ type: "tmpfs", source: "", destination: "/t", fromFlag: true }),
  ];
  const { container } = fake.container({}, { record: { mounts } });
  const { Mounts } = await inspectContainer(context, container, false);
  expect(Mounts).toEqual([
    { Type: "bind", Source: "/srv", Destination: "/x", Mode: "ro", RW: false, Propagation: "rprivate" },
    {
      Type: "volume",
      Name: "data",
      Source: "/v",
      Destination: "/v",
      Driver: "local",
      Mode: "ro",
      RW: true,
      Propagation: "",
    },
  ]);
});

test("execs under way are listed, and no log has no path", async () => {
  const { container } = fake.container({}, { host: { LogConfig: { Type: "none", Config: {} } } });
  const busy = { ...context, runningExecs: () => ["e1", "e2"] };
  expect(await inspectContainer(busy, container, false)).toMatchObject({
    ExecIDs: ["e1", "e2"],
    LogPath: "",
  });
});
