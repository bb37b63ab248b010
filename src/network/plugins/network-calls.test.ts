import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endpoint, network, printEndpoint } from "../links/testing.ts";
import { Plugin } from "../../plugins/mod.ts";
import { foreignExit, pluginDriver } from "./driver.ts";
import { requestFrom, requestPools, releasePools } from "./ipam.ts";
import { createNetwork, joinPlugin, leavePlugin, pluginScope, type PluginEndpoint } from "./network-calls.ts";
import { FakePlugin, ownFiles, type FakeAnswers } from "../../plugins/testing.ts";

const pools = [{ subnet: "10.5.0.0/24", gateway: "10.5.0.1", auxiliary: { router: "10.5.0.9" } }];
const weave = network("weave", { a: "b" }, { ipam: { driver: "default", options: null, pools } });
const place = endpoint({ ipv4: "10.5.0.2", mac: "" });

async function withPlugin(
  answers: FakeAnswers,
  body: (plugin: Plugin, fake: FakePlugin) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "caisson-plugins-"));
  try {
    const socket = join(folder, "p.sock");
    using fake = await FakePlugin.listen(socket, answers);
    await body(new Plugin("weave", { socket }, ownFiles, { deadline: 5000, pause: 10 }), fake);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const joined = (plugin: Plugin): Promise<PluginEndpoint> =>
  joinPlugin(plugin, {
    network: weave,
    endpoint: place,
    mac: undefined,
    options: { o: "p" },
    ports: [
      { protocol: "udp", containerPort: 53, count: 2, hostAddress: "", hostFirst: 1053, hostLast: 1054 },
    ],
    sandboxKey: "key",
  });

test("a network is told with its pools and options", async () =>
  withPlugin({}, async (plugin, fake) => {
    expect(await pluginScope(plugin)).toBe("local");
    await createNetwork(plugin, weave);
    expect(fake.asked("NetworkDriver.CreateNetwork")).toEqual({
      NetworkID: weave.id,
      Options: {
        "com.docker.network.enable_ipv4": true,
        "com.docker.network.enable_ipv6": false,
        "com.docker.network.generic": { a: "b" },
      },
      IPv4Data: [
        {
          AddressSpace: "LocalDefault",
          Pool: "10.5.0.0/24",
          Gateway: "10.5.0.1/24",
          AuxAddresses: { router: "10.5.0.9/24" },
        },
      ],
      IPv6Data: [],
    });
  }));

test("an endpoint: what is asked, and what becomes of the answer", async () =>
  withPlugin(
    {
      "NetworkDriver.CreateEndpoint": { Interface: { MacAddress: "02:00:00:00:00:07" } },
      "NetworkDriver.Join": {
        InterfaceName: { SrcName: "w1", DstPrefix: "wv" },
        Gateway: "10.5.0.1",
        StaticRoutes: [
          { Destination: "10.6.0.0/16", RouteType: 0, NextHop: "10.5.0.3" },
          { Destination: "10.7.0.0/16", RouteType: 1 },
        ],
      },
      "NetworkDriver.ProgramExternalConnectivity": 404,
    },
    async (plugin, fake) => {
      const made = await joined(plugin);
      expect(made).toEqual({
        ipv4: "10.5.0.2",
        mac: "02:00:00:00:00:07",
        prefix: "wv",
        foreign: {
          asked: true,
          link: "w1",
          prefix4: 24,
          gateway4: "10.5.0.1",
          routes: [{ destination: "10.6.0.0/16", via: "10.5.0.3" }, { destination: "10.7.0.0/16" }],
        },
      });
      expect(fake.asked("NetworkDriver.CreateEndpoint")).toMatchObject({
        EndpointID: place.id,
        Interface: { Address: "10.5.0.2/24", AddressIPv6: "", MacAddress: "" },
        Options: {
          o: "p",
          "com.docker.network.portmap": [
            { Proto: 17, Port: 53, HostPort: 1053, HostPortEnd: 1053 },
            { Proto: 17, Port: 54, HostPort: 1054, HostPortEnd: 1054 },
          ],
        },
      });
      expect(fake.asked("NetworkDriver.Join")).toMatchObject({ SandboxKey: "key" });
      const known = { ...place, ...made, gateway4: true, interface: "wv0" };
      const text = printEndpoint(pluginDriver("weave"), weave, known);
      expect(text).toContain("RTM_NEWLINK{w1, index=16, in ns of $pid}");
      expect(text).toContain("RTM_NEWLINK{index=16, name=wv0, mac=02:00:00:00:00:07}");
      expect(text).toContain("RTM_NEWADDR{10.5.0.2/24, index=16, broadcast=10.5.0.255}");
      expect(text).toContain("RTM_NEWROUTE{default, via 10.5.0.1, index=16}");
      expect(text).toContain("RTM_NEWROUTE{10.6.0.0/16, via 10.5.0.3, index=16}");
      expect(text).toContain("RTM_NEWROUTE{10.7.0.0/16, index=16}");
      await leavePlugin(plugin, place);
      expect(fake.methods.slice(-3)).toEqual([
        "NetworkDriver.RevokeExternalConnectivity",
        "NetworkDriver.Leave",
        "NetworkDriver.DeleteEndpoint",
      ]);
    },
  ));

test("a plugin may not change what it was given", async () =>
  withPlugin(
    { "NetworkDriver.CreateEndpoint": { Interface: { Address: "10.5.0.77/24" } } },
    async (plugin) => {
      expect(joined(plugin)).rejects.toThrow(
        "endpoint interface IP present (10.5.0.2/24). Cannot be modified with 10.5.0.77/24.",
      );
      await joined(plugin).catch(() => undefined);
    },
  ));

test("an endpoint without an interface is left alone", () => {
  const text = printEndpoint(pluginDriver("weave"), weave, { ...place, foreign: { routes: [] } });
  expect(text).not.toContain("RTM_NEW");
});

test("the way out: a gateway, or a default route", () => {
  const exit = (foreign: object, isIPv6 = false): unknown =>
    foreignExit({ foreign: { routes: [], ...foreign } }, isIPv6);
  expect(exit({ gateway4: "1.1.1.1" })).toEqual({ via: "1.1.1.1" });
  expect(exit({ gateway4: "1.1.1.1" }, true)).toBeUndefined();
  expect(exit({ routes: [{ destination: "0.0.0.0/0" }] })).toEqual({});
  expect(exit({ routes: [{ destination: "::/0", via: "fe80::1" }] }, true)).toEqual({ via: "fe80::1" });
  expect(exit({ routes: [{ destination: "10.0.0.0/8", via: "1.1.1.1" }] })).toBeUndefined();
});

test("pools and addresses of a plugin, given back when the rest fails", async () => {
  let pool = 0;
  await withPlugin(
    {
      "IpamDriver.RequestPool": ({ Pool }) =>
        Pool === "10.9.0.0/24"
          ? { Err: "taken" }
          : { PoolID: `pool${(pool += 1)}`, Pool: Pool === "" ? "10.8.0.0/16" : (Pool as string) },
      "IpamDriver.RequestAddress": ({ Options, Address }) =>
        "RequestAddressType" in (Options as object)
          ? { Address: "10.8.0.1/16" }
          : { Address: Address === "" ? "10.8.0.2/16" : `${String(Address)}/16` },
    },
    async (plugin, fake) => {
      const options = { k: "v" };
      const given = await requestPools(plugin, {
        options,
        configs: [{ isIPv6: false, AuxiliaryAddresses: { x: "10.8.0.7" } }],
      });
      expect(given).toEqual([
        { subnet: "10.8.0.0/16", poolId: "pool1", gateway: "10.8.0.1", auxiliary: { x: "10.8.0.7" } },
      ]);
      expect(fake.asked("IpamDriver.RequestPool")).toEqual({
        AddressSpace: "here",
        Pool: "",
        SubPool: "",
        Options: options,
        V6: false,
      });
      expect(await requestFrom(plugin, given, "", options)).toMatchObject({
        address: "10.8.0.2",
        length: 16,
      });
      expect(await requestFrom(plugin, [], "", options)).toBeUndefined();
      const before = fake.calls.length;
      const two = { options, configs: [{ isIPv6: false }, { isIPv6: false, Subnet: "10.9.0.0/24" }] };
      expect(requestPools(plugin, two)).rejects.toThrow("remote: taken");
      expect(fake.calls.slice(before).map(({ method }) => method.replace("IpamDriver.", ""))).toEqual([
        "GetDefaultAddressSpaces",
        "RequestPool",
        "RequestAddress",
        "RequestPool",
        "ReleaseAddress",
        "ReleasePool",
      ]);
      await releasePools(plugin, given);
      expect(fake.asked("IpamDriver.ReleasePool")).toEqual({ PoolID: "pool1" });
    },
  );
});
