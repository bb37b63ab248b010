import { expect, test } from "bun:test";
import { failure, messageOf } from "../../errors/mod.ts";
import type { CreateBody } from "../container-types.ts";
import type { CreateRequest, Engine, Filters } from "../engine.ts";
import { scoped } from "./label-scope.ts";

const problem = (work: Promise<unknown>): Promise<string> => work.then(() => "", messageOf);
const mine = { team: "a" };
const theirs = { team: "b" };
const passed: unknown[] = [];

function keep(what: string, answer: unknown = {}): (...args: readonly unknown[]) => Promise<unknown> {
  return async (...args) => {
    passed.push([what, ...args]);
    return answer;
  };
}

function find<T>(known: Readonly<Record<string, T>>, name: string, error: Error): T {
  const found = known[name];
  if (found === undefined) throw error;
  return found;
}

const containers: Readonly<Record<string, object>> = { own: mine, other: theirs };
const volumes: Readonly<Record<string, object>> = { vown: mine, vother: theirs };
const networks: Readonly<Record<string, object>> = { nown: mine, nother: theirs, bridge: {} };
const images: Readonly<Record<string, object>> = { "iown:1": mine, "iother:1": theirs };

const inner = {
  containers: {
    create: keep("create"),
    stop: keep("stop"),
    list: keep("list", []),
    update: keep("update"),
    inspect: async (name: string) => ({
      Id: `id-${name}`,
      Config: { Labels: find(containers, name, failure("no-such-container", { name })) },
    }),
  },
  execs: { start: keep("exec"), inspect: async (id: string) => ({ ContainerID: id }) },
  files: { commit: keep("commit") },
  images: {
    tag: keep("tag"),
    remove: keep("rmi"),
    inspect: async (name: string) => ({
      Id: `id-${name}`,
      Config: { Labels: find(images, name, failure("no-such-image", { reference: name })) },
    }),
  },
  volumes: {
    create: keep("volume"),
    remove: keep("rmv"),
    inspect: async (name: string) => ({
      Name: name,
      Labels: find(volumes, name, failure("no-such-volume", { name })),
    }),
  },
  networks: {
    create: keep("network"),
    connect: keep("connect"),
    remove: keep("rmn"),
    inspect: async (name: string) => ({
      Name: name,
      Id: `id-${name}`,
      Containers: { c: {} },
      Labels: find(networks, name, failure("no-such-network", { name })),
    }),
  },
} as unknown as Engine;

const engine = scoped(inner, "team=a");

function taken(): unknown[] {
  return passed.splice(0);
}

const create = (body: object): CreateRequest => ({ body: body as CreateBody }) as CreateRequest;

test("what is asked for by a filter has the label as well", async () => {
  await engine.containers.list({ filters: new Map([["label", ["x"]]]) as Filters } as never);
  const [[, options]] = taken() as [[string, { filters: Filters }]];
  expect([...options.filters]).toEqual([["label", ["x", "team=a"]]]);
});

test("others don't exist: containers, execs, volumes, networks", async () => {
  expect(await problem(engine.containers.stop("other", {} as never))).toBe("No such container: other");
  expect(await problem(engine.containers.inspect("other", false))).toBe("No such container: other");
  expect(await problem(engine.execs.start("other", {} as never))).toBe("No such exec instance: other");
  expect(await problem(engine.volumes.remove("vother", false))).toBe("get vother: no such volume");
  expect(await problem(engine.networks.remove("nother"))).toBe("network nother not found");
  expect(taken()).toEqual([]);
  await engine.containers.stop("own", {} as never);
  await engine.networks.remove("nown");
  expect(taken()).toEqual([
    ["stop", "id-own", {}],
    ["rmn", "id-nown"],
  ]);
});

test("a predefined network is used by everybody, seen without its inhabitants and not removed", async () => {
  const found = await engine.networks.inspect("bridge", {} as never);
  expect(found["Containers"]).toEqual({});
  await engine.networks.connect("bridge", { Container: "own" } as never);
  expect(await problem(engine.networks.remove("bridge"))).toBe("network bridge not found");
  expect(taken()).toEqual([["connect", "id-bridge", { Container: "id-own" }]]);
});

test("what is made gets the label, and can't have another's", async () => {
  await engine.networks.create({ Name: "n", Labels: { x: "1" } } as never);
  await engine.volumes.create({ Name: "new" } as never);
  expect(taken()).toEqual([
    ["network", { Name: "n", Labels: { x: "1", team: "a" } }],
    ["volume", { Name: "new", Labels: { team: "a" } }],
  ]);
  expect(
    await problem((async () => engine.networks.create({ Name: "n", Labels: theirs } as never))()),
  ).toContain("does not allow the label team=b");
  expect(await problem(engine.volumes.create({ Name: "vother" } as never))).toContain(
    "does not allow the volume vother",
  );
  expect(
    await problem((async () => engine.containers.update("own", { Labels: { team: null } } as never))()),
  ).toContain("does not allow changing the label team");
  expect(taken()).toEqual([]);
});

test("a new container uses what is ours; its new volumes are made with the label before it", async () => {
  const Mounts = [{ Type: "volume", Source: "fresh", Target: "/f", VolumeOptions: { Labels: { x: "1" } } }];
  const HostConfig = { Binds: ["vown:/v"], Mounts, NetworkMode: "container:own" };
  await engine.containers.create(create({ HostConfig }));
  const [first, second] = taken() as [unknown, [string, CreateRequest]];
  expect(first).toEqual(["volume", { Name: "fresh", Labels: { x: "1", team: "a" } }]);
  expect(second[1].body).toMatchObject({ Labels: mine, HostConfig: { NetworkMode: "container:id-own" } });
  for (const body of [
    { HostConfig: { Binds: ["vother:/v"] } },
    { HostConfig: { NetworkMode: "nother" } },
    { HostConfig: { NetworkMode: "container:other" } },
    { HostConfig: { Links: ["other:x"] } },
    { NetworkingConfig: { EndpointsConfig: { bridge: { Links: ["other:x"] } } } },
    { Labels: theirs },
  ])
    expect(await problem(engine.containers.create(create(body)))).not.toBe("");
  expect(taken()).toEqual([]);
});

test("images are everybody's, but named and removed only by those whose label they have", async () => {
  expect(await problem(engine.images.remove("iother:1", {} as never))).toContain(
    "does not allow this of the image iother:1",
  );
  expect(await problem(engine.images.tag("iown:1", "iother", "1"))).toContain("does not allow");
  expect(await problem(engine.files.commit("own", { repository: "iother", tag: "1" } as never))).toContain(
    "does not allow",
  );
  await engine.images.tag("iown:1", "new", "2");
  await engine.files.commit("own", { config: { Labels: { x: "1" } } } as never);
  expect(taken()).toEqual([
    ["tag", "id-iown:1", "new", "2"],
    ["commit", "id-own", { config: { Labels: { x: "1", team: "a" } } }],
  ]);
});
