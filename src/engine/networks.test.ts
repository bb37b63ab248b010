import { expect, test } from "bun:test";
import type { Json } from "./engine.ts";
import { FakeServices } from "./fake-services.ts";
import { NetworkService } from "./networks.ts";
import { ensurePredefined } from "./predefined-networks.ts";

const plain = { verbose: false, scope: "" };

async function withNetworks(
  body: (networks: NetworkService, fake: FakeServices) => Promise<void>,
): Promise<void> {
  using fake = new FakeServices();
  await ensurePredefined(fake.services.networks, fake.services.database);
  await body(new NetworkService(fake.services), fake);
}

test("every engine has three networks, which keep their ids", async () =>
  withNetworks(async (networks, { services }) => {
    const { store } = services.networks;
    const ids = store.all().map(({ id }) => id);
    expect(ids.every((id) => /^[0-9a-f]{64}$/.test(id))).toBe(true);
    await ensurePredefined(services.networks, services.database);
    expect(store.all().map(({ id }) => id)).toEqual(ids);
    expect(await networks.inspect("host", plain)).toMatchObject({
      Name: "host",
      Driver: "host",
      Scope: "local",
      Containers: {},
      Options: {},
      IPAM: { Driver: "default", Options: null, Config: null },
    });
    expect(await networks.inspect("bridge", plain)).toMatchObject({
      Driver: "bridge",
      IPAM: { Config: [{ Subnet: "172.17.0.0/16", Gateway: "172.17.0.1" }] },
      Options: { "com.docker.network.bridge.name": "docker0", "com.docker.network.driver.mtu": "1500" },
    });
    expect(await networks.inspect(ids[0]?.slice(0, 12) ?? "", plain)).toMatchObject({ Id: ids[0] });
    expect(networks.inspect("nope", plain)).rejects.toThrow("network nope not found");
    expect(networks.inspect("host", { ...plain, scope: "swarm" })).rejects.toThrow("network host not found");
  }));

test("a network is made, found, pruned and removed; events tell of it", async () =>
  withNetworks(async (networks, { published }) => {
    const { Id } = await networks.create({ Name: "n1", Labels: { a: "b" } });
    expect(await networks.inspect("n1", plain)).toMatchObject({
      Id,
      Labels: { a: "b" },
      IPAM: { Config: [{ Subnet: "172.18.0.0/16", Gateway: "172.18.0.1" }] },
    });
    expect(networks.create({ Name: "n1" })).rejects.toThrow("network with name n1 already exists");
    await networks.remove("n1");
    expect(networks.inspect("n1", plain)).rejects.toThrow("network n1 not found");
    await networks.create({ Name: "n2" });
    expect(await networks.prune(new Map())).toEqual({ NetworksDeleted: ["n2"] });
    expect(networks.remove("bridge")).rejects.toThrow(
      "bridge is a pre-defined network and cannot be removed",
    );
    expect(published.map(({ Type, Action }) => `${Type} ${Action}`)).toEqual([
      "network create",
      "network destroy",
      "network create",
      "network destroy",
      "network prune",
    ]);
  }));

test("a network with a subnet that the user gave shows what was given", async () =>
  withNetworks(async (networks) => {
    await networks.create({
      Name: "n1",
      EnableIPv6: true,
      IPAM: { Config: [{ Subnet: "10.99.0.0/24" }, { Subnet: "fd00:99::/64", Gateway: "fd00:99::9" }] },
    });
    const { IPAM } = (await networks.inspect("n1", plain)) as { IPAM: Json };
    expect(IPAM["Config"]).toEqual([
      { Subnet: "10.99.0.0/24" },
      { Subnet: "fd00:99::/64", Gateway: "fd00:99::9" },
    ]);
  }));

test("lists are filtered", async () =>
  withNetworks(async (networks, { services }) => {
    const names = async (...filter: [string, string[]][]): Promise<unknown[]> =>
      (await networks.list(new Map(filter))).map(({ Name }) => Name);
    await networks.create({ Name: "mine", Labels: { a: "b" } });
    expect(await names()).toEqual(["none", "host", "bridge", "mine"]);
    expect(await names(["name", ["^h"]])).toEqual(["host"]);
    expect(await names(["id", [services.networks.id("none").slice(0, 20)]])).toEqual(["none"]);
    expect(await names(["driver", ["null"]], ["scope", ["local"]])).toEqual(["none"]);
    expect(await names(["scope", ["swarm"]])).toEqual([]);
    expect(await names(["dangling", ["true"]])).toEqual(["mine"]);
    expect(await names(["dangling", ["0"]])).toEqual(["none", "host", "bridge"]);
    expect(await names(["type", ["custom"]])).toEqual(["mine"]);
    expect(await names(["type", ["builtin"]])).toEqual(["none", "host", "bridge"]);
    expect(await names(["label", ["a=b"]])).toEqual(["mine"]);
    expect(names(["type", ["x"]])).rejects.toThrow("invalid filter: 'type'='x'");
    expect(names(["dangling", ["x"]])).rejects.toThrow("invalid value for filter 'dangling'");
    expect(names(["nope", ["x"]])).rejects.toThrow("invalid filter 'nope'");
  }));
