import { expect, test } from "bun:test";
import { failure, messageOf } from "../../errors/mod.ts";
import type { CreateBody, HostConfig } from "../container-types.ts";
import type { CreateRequest, Engine } from "../engine.ts";
import { limited, networksOf, volumesOf } from "./limits.ts";

const problem = (work: Promise<unknown>): Promise<string> => work.then(() => "", messageOf);
const both = { noPrivileged: true, noHostMounts: true };

/** What exists, by name; what was let through is kept. */
function engine(
  containers: Readonly<Record<string, object>> = {},
  volumes: Readonly<Record<string, object>> = {},
  networks: Readonly<Record<string, object>> = {},
): { readonly engine: Engine; readonly passed: unknown[] } {
  const passed: unknown[] = [];
  const keep =
    (what: string) =>
    async (...args: readonly unknown[]): Promise<object> => {
      passed.push([what, ...args]);
      return {};
    };
  const made = {
    containers: {
      create: keep("create"),
      update: keep("update"),
      attach: keep("attach"),
      start: keep("start"),
      inspect: async (name: string) => {
        const found = containers[name];
        if (found === undefined) throw failure("no-such-container", { name });
        return { Id: `id-${name}`, HostConfig: {}, Mounts: [], ...found };
      },
    },
    execs: {
      create: keep("exec"),
      start: keep("exec start"),
      inspect: async () => ({ ContainerID: "rooted" }),
    },
    files: { read: keep("read") },
    volumes: {
      create: keep("volume"),
      inspect: async (name: string) => {
        const found = volumes[name];
        if (found === undefined) throw failure("no-such-volume", { name });
        return { Driver: "local", Options: null, ...found };
      },
    },
    networks: {
      create: keep("network"),
      connect: keep("connect"),
      inspect: async (name: string) => {
        const found = networks[name];
        if (found === undefined) throw failure("no-such-network", { name });
        return found;
      },
    },
  };
  return { engine: made as unknown as Engine, passed };
}

const create = (host: Partial<HostConfig>, more: Partial<CreateBody> = {}): CreateRequest =>
  ({ body: { ...more, HostConfig: host } as CreateBody }) as CreateRequest;

const rooted = {
  rooted: { HostConfig: { Privileged: true } },
  bound: { Mounts: [{ Type: "bind", Source: "/etc" }] },
  plain: {},
};

test("names of networks and of volumes, wherever a request has them", () => {
  const EndpointsConfig = { bridge: {}, b: {}, a: {} };
  expect(
    networksOf({ HostConfig: { NetworkMode: "a" }, NetworkingConfig: { EndpointsConfig } } as CreateBody),
  ).toEqual(["a", "b"]);
  expect(networksOf({ HostConfig: { NetworkMode: "container:x" } } as CreateBody)).toEqual([]);
  expect(networksOf({ HostConfig: { NetworkMode: "host" } } as CreateBody)).toEqual(["host"]);
  const Mounts = [
    { Type: "volume", Source: "m", Target: "/m" },
    { Type: "volume", Target: "/anonymous" },
    { Type: "bind", Source: "n", Target: "/n" },
  ];
  expect(
    volumesOf({
      Binds: ["v:/v", "v:/w:ro", "/etc:/etc", "~x:/x", "/anonymous"],
      Mounts,
    } as Partial<HostConfig>),
  ).toEqual(["v", "m"]);
  expect(volumesOf({})).toEqual([]);
});

test("what asks for nothing passes, with ids for names", async () => {
  const { engine: inner, passed } = engine(rooted);
  await limited(inner, both).containers.create(create({ NetworkMode: "container:plain", Binds: ["v:/v"] }));
  expect(passed).toEqual([
    ["create", { body: { HostConfig: { NetworkMode: "container:id-plain", Binds: ["v:/v"] } } }],
  ]);
});

test("privileges, binds, and what others have that is joined or taken", async () => {
  const volumes = { dev: { Options: { type: "none", o: "bind", device: "/etc" } } };
  const { engine: inner, passed } = engine(rooted, volumes, {
    host: { Driver: "host" },
    myhost: { Driver: "host" },
  });
  const { containers, execs, files, volumes: volumeApi, networks } = limited(inner, both);
  const refused = [
    containers.create(create({ Privileged: true })),
    containers.create(create({ Binds: ["/etc:/x"] })),
    containers.create(create({ Binds: ["dev:/x"] })),
    containers.create(create({ NetworkMode: "container:rooted" })),
    containers.create(create({ VolumesFrom: ["bound"] })),
    containers.create(create({ NetworkMode: "myhost" })),
    containers.attach("rooted", {} as never),
    containers.update("rooted", { Healthcheck: { Test: ["CMD", "x"] } } as never),
    execs.create("rooted", {} as never),
    execs.create("plain", { Privileged: true } as never),
    execs.start("e", {} as never),
    files.read("bound", "/x"),
    volumeApi.create({ Driver: "sshfs" } as never),
    volumeApi.create({ DriverOpts: { type: "none", o: "bind", device: "/etc" } } as never),
    networks.create({ Name: "n", Driver: "macvlan" } as never),
    networks.create({ Name: "n", Options: { "com.docker.network.bridge.name": "br0" } } as never),
    networks.connect("n", { Container: "rooted" } as never),
  ];
  for (const one of refused)
    expect(await problem(one)).toMatch(
      /^the policy of this socket \(no-(?:privileged|host-mounts)\) does not allow /,
    );
  expect(passed).toEqual([]);
});

test("one policy alone lets pass what the other is about", async () => {
  const { engine: inner, passed } = engine(rooted);
  await limited(inner, { noPrivileged: true, noHostMounts: false }).containers.create(
    create({ Binds: ["/etc:/x"] }),
  );
  await limited(inner, { noPrivileged: false, noHostMounts: true }).containers.create(
    create({ Privileged: true }),
  );
  expect(passed).toHaveLength(2);
});

test("who isn't there is the engine's to refuse; what ends things passes", async () => {
  const { engine: inner, passed } = engine(rooted);
  const { containers } = limited(inner, both);
  await containers.attach("nobody", {} as never);
  await containers.start("rooted");
  expect(passed).toEqual([
    ["attach", "nobody", {}],
    ["start", "rooted"],
  ]);
});
