/**
 * Netlink messages in the kernel, checked by iproute2: needs root.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { release } from "node:os";
import { KernelError } from "../../src/kernel/mod.ts";
import {
  addressBytes,
  AttributeReader,
  be16,
  be32,
  binary,
  decodeAddresses,
  decodeBoundSockets,
  decodeLinks,
  decodeRoutes,
  delAddress,
  deleteConnections,
  deletionsOf,
  delLink,
  delNeighbour,
  delRoute,
  dumpAddresses,
  dumpBoundSockets,
  dumpConnections,
  dumpLinks,
  dumpRoutes,
  encodeMessages,
  getLink,
  header,
  nested,
  netlink,
  newAddress,
  newLink,
  newNeighbour,
  newRoute,
  openNetlink,
  parseMessages,
  replaceRoute,
  setLink,
  u8,
  type ConnectionFilter,
  type LinkKind,
  type LinkState,
  type Message,
  type NetlinkFamily,
} from "../../src/kernel/netlink/mod.ts";
import { testUnless } from "../support/requires.ts";
import { TestSandbox } from "./sandbox.ts";

interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly link?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: Readonly<Record<string, unknown>>;
    readonly info_slave_data?: Readonly<Record<string, unknown>>;
  };
}

/** Why this kernel can't make links of a kind. */
function missing(kind: string, ...settings: readonly string[]): string | undefined {
  const make = ["ip", "link", "add", "x0", ...settings, "type", kind];
  const script = `ip link add parent type bridge && ${make.join(" ")}`;
  const { status } = spawnSync("unshare", ["--net", "sh", "-c", script]);
  return status === 0 ? undefined : `this kernel has no ${kind}`;
}

let host: TestSandbox;
let container: TestSandbox;
beforeAll(async () => {
  host = await TestSandbox.make();
  container = await TestSandbox.make();
});
afterAll(() => {
  host[Symbol.dispose]();
  container[Symbol.dispose]();
});

/** Sends messages in one datagram; the answers. */
async function ask(
  where: TestSandbox,
  messages: readonly Message[],
  family: NetlinkFamily = "route",
): Promise<Uint8Array> {
  const { outcome, parts } = await where.run((b) => {
    const socket = b.slot("netlink");
    const out = b.out(65536);
    openNetlink(b, "open a netlink socket", family, socket);
    return { out, length: netlink(b, "ask the kernel", socket, encodeMessages(messages), out) };
  });
  return outcome.bytesOf(parts.out).subarray(0, outcome.valueOf(parts.length));
}

/** The errno that these messages end with. */
async function errnoOf(where: TestSandbox, ...messages: readonly Message[]): Promise<string> {
  try {
    await ask(where, messages);
  } catch (error) {
    if (error instanceof KernelError) return error.errnoName;
    throw error;
  }
  throw new TypeError("the kernel had nothing against it");
}

async function linkNamed(where: TestSandbox, name: string): Promise<LinkState> {
  const [link] = decodeLinks(await ask(where, [getLink({ name })]));
  if (link === undefined) throw new TypeError(`no link ${name}`);
  return link;
}

/** Makes a bridge and gives its index. */
async function bridge(name: string): Promise<number> {
  await ask(host, [
    newLink({ kind: "bridge", stp: false, forwardDelay: 0 }, { name, mac: "02:00:00:00:00:01", up: true }),
  ]);
  return (await linkNamed(host, name)).index;
}

describe("links", () => {
  test("a bridge is made, found, and removed", async () => {
    const index = await bridge("br-a");
    const [seen] = host.ip<Link>("link", "show", "br-a");
    expect(seen).toMatchObject({
      ifindex: index,
      address: "02:00:00:00:00:01",
      linkinfo: { info_kind: "bridge", info_data: { stp_state: 0, forward_delay: 0 } },
    });
    expect(seen?.flags).toContain("UP");
    expect(await linkNamed(host, "br-a")).toMatchObject({
      kind: "bridge",
      up: true,
      mac: "02:00:00:00:00:01",
    });
    expect(await errnoOf(host, newLink({ kind: "bridge" }, { name: "br-a" }))).toBe("EEXIST");
    await ask(host, [delLink({ name: "br-a" })]);
    expect(await errnoOf(host, delLink({ name: "br-a" }))).toBe("ENODEV");
    expect(await errnoOf(host, getLink({ name: "br-a" }))).toBe("ENODEV");
  });

  test("a veth pair is born in two namespaces, a port of a bridge, in one datagram", async () => {
    const index = await bridge("br-b");
    await ask(host, [
      newLink(
        {
          kind: "veth",
          peer: {
            name: "eth0",
            index: 12,
            mac: "02:42:ac:11:00:02",
            mtu: 1400,
            namespace: { pid: container.pid },
          },
        },
        { name: "veth-b", index: 0x40000001, mtu: 1400, master: index, up: true },
      ),
      setLink({ name: "veth-b" }, { port: { hairpin: true, isolated: true } }),
    ]);
    const [outside] = host.ip<Link>("link", "show", "veth-b");
    expect(outside).toMatchObject({
      mtu: 1400,
      master: "br-b",
      linkinfo: { info_kind: "veth", info_slave_data: { hairpin: true, isolated: true } },
    });
    expect(outside?.flags).toContain("UP");
    const [inside] = container.ip<Link>("link", "show", "eth0");
    expect(inside).toMatchObject({ ifindex: 12, address: "02:42:ac:11:00:02", mtu: 1400 });
    expect(inside?.flags).not.toContain("UP");
  });

  test("a link is moved to a namespace by descriptor, and renamed there", async () => {
    await ask(host, [newLink({ kind: "veth", peer: { name: "moved-peer" } }, { name: "moved" })]);
    await host.run((b) => {
      const socket = b.slot("netlink");
      const namespace = b.slot("namespace");
      b.call("open the namespace", "openat", [-100, `/proc/${container.pid}/ns/net`, 0o2000000], {
        into: namespace,
      });
      openNetlink(b, "open a netlink socket", "route", socket);
      const move = setLink({ name: "moved" }, { namespace: { descriptor: namespace } });
      netlink(b, "move the link", socket, encodeMessages([move]));
    });
    const { index } = await linkNamed(container, "moved");
    await ask(container, [setLink({ index }, { name: "eth9", mac: "02:00:00:00:00:99", mtu: 1300 })]);
    expect(container.ip<Link>("link", "show", "eth9")[0]).toMatchObject({
      address: "02:00:00:00:00:99",
      mtu: 1300,
    });
  });

  test.each(["private", "vepa", "bridge", "passthru"] as const)(
    "a macvlan is made in mode %s",
    async (mode) => {
      const parent = await bridge(`p-${mode}`);
      await ask(host, [
        newLink({ kind: "macvlan", parent, mode }, { name: `mv-${mode}`, namespace: { pid: container.pid } }),
      ]);
      expect(container.ip<Link>("link", "show", `mv-${mode}`)[0]).toMatchObject({
        linkinfo: { info_kind: "macvlan", info_data: { mode } },
      });
    },
  );

  const ipvlans = (["l2", "l3", "l3s"] as const).flatMap((mode) =>
    (["bridge", "private", "vepa"] as const).map((flag) => ({ mode, flag })),
  );
  for (const { mode, flag } of ipvlans) {
    testUnless(missing("ipvlan", "link", "parent"))(
      `an ipvlan is made in mode ${mode}, ${flag}`,
      async () => {
        const parent = await bridge(`p-${mode}-${flag}`);
        const kind: LinkKind = { kind: "ipvlan", parent, mode, flag };
        await ask(host, [newLink(kind, { name: `iv-${mode}-${flag}`, namespace: { pid: container.pid } })]);
        expect(container.ip<Link>("link", "show", `iv-${mode}-${flag}`)[0]).toMatchObject({
          linkinfo: { info_kind: "ipvlan", info_data: { mode } },
        });
      },
    );
  }

  testUnless(missing("dummy"))("a dummy is made", async () => {
    await ask(host, [newLink({ kind: "dummy" }, { name: "dm-1", up: true })]);
    expect(await linkNamed(host, "dm-1")).toMatchObject({ kind: "dummy", up: true });
  });

  testUnless(missing("vlan id 10", "link", "parent"))("a VLAN is made of its parent", async () => {
    const parent = await bridge("trunk");
    await ask(host, [newLink({ kind: "vlan", parent, id: 10 }, { name: "trunk.10" })]);
    expect(host.ip<Link>("link", "show", "trunk.10")[0]).toMatchObject({
      link: "trunk",
      linkinfo: { info_kind: "vlan", info_data: { id: 10 } },
    });
  });

  testUnless(missing("vxlan id 1 dstport 4789"))("a VXLAN is made, and told who is behind whom", async () => {
    await ask(host, [
      newLink({ kind: "vxlan", id: 4097, port: 4789, local: "127.0.0.1", learning: false }, { name: "vx" }),
    ]);
    expect(host.ip<Link>("link", "show", "vx")[0]).toMatchObject({
      linkinfo: { info_data: { id: 4097, port: 4789, local: "127.0.0.1", learning: false } },
    });
    const { index } = await linkNamed(host, "vx");
    const entry = { index, mac: "02:42:0a:00:00:05", address: "10.0.0.5", forwarding: true };
    await ask(host, [newNeighbour(entry)]);
    expect(host.command("bridge", "fdb", "show", "dev", "vx")).toContain(
      "02:42:0a:00:00:05 dst 10.0.0.5 self permanent",
    );
    await ask(host, [delNeighbour(entry)]);
    expect(host.command("bridge", "fdb", "show", "dev", "vx")).not.toContain("02:42:0a:00:00:05");
  });

  test("every link is told", async () => {
    const names = decodeLinks(await ask(host, [dumpLinks()])).map(({ index, name }) => `${index} ${name}`);
    expect(names).toEqual(host.ip<Link>("link", "show").map(({ ifindex, ifname }) => `${ifindex} ${ifname}`));
    expect(names).toContain("1 lo");
  });
});

describe("addresses and routes", () => {
  test("come and go", async () => {
    const index = await bridge("br-r");
    const addresses = [
      { index, address: "172.30.0.1/16", broadcast: "172.30.255.255" },
      { index, address: "fd30::1/64" },
    ];
    await ask(host, addresses.map(newAddress));
    const [link] = host.ip<{ addr_info: Record<string, unknown>[] }>("address", "show", "br-r");
    expect(link?.addr_info.slice(0, 2)).toMatchObject([
      { local: "172.30.0.1", prefixlen: 16, broadcast: "172.30.255.255", scope: "global" },
      { local: "fd30::1", prefixlen: 64, scope: "global", nodad: true },
    ]);
    expect(link?.addr_info[1]).not.toHaveProperty("tentative");
    const known = decodeAddresses(await ask(host, [dumpAddresses()]));
    expect(known).toContainEqual({ index, address: "172.30.0.1/16" });
    expect(known).toContainEqual({ index, address: "fd30::1/64" });
    expect(known).toContainEqual({ index: 1, address: "127.0.0.1/8" });
    expect(await errnoOf(host, newAddress({ index, address: "172.30.0.1/16" }))).toBe("EEXIST");

    const routes = [
      { destination: "default", via: "172.30.0.9", index },
      { destination: "default6", via: "fd30::9", index },
      { destination: "10.1.0.0/16", index, metric: 7, source: "172.30.0.1" },
      { destination: "10.2.0.0/16", via: "192.0.2.1", index, onlink: true },
    ];
    await ask(host, routes.map(newRoute));
    expect(host.ip("route", "show", "10.1.0.0/16")[0]).toMatchObject({
      scope: "link",
      metric: 7,
      prefsrc: "172.30.0.1",
    });
    expect(host.ip("route", "show", "10.2.0.0/16")[0]).toMatchObject({
      gateway: "192.0.2.1",
      flags: ["onlink", "linkdown"],
    });
    const main = decodeRoutes(await ask(host, [dumpRoutes()])).filter(({ table }) => table === 254);
    const told = main.map(({ destination, via }) => `${destination} ${via}`);
    expect(told).toContain("default 172.30.0.9");
    expect(told).toContain("default6 fd30::9");
    expect(told).toContain("172.30.0.0/16 undefined");

    await ask(host, [replaceRoute({ destination: "default", via: "172.30.0.8", index })]);
    expect(host.ip("route", "show", "default")).toMatchObject([{ gateway: "172.30.0.8" }]);
    await ask(host, [
      delRoute({ destination: "10.1.0.0/16", index }),
      delRoute({ destination: "default6", index }),
    ]);
    expect(host.ip("route", "show", "10.1.0.0/16")).toEqual([]);
    expect(host.ip("-6", "route", "show", "default")).toEqual([]);
    expect(await errnoOf(host, delRoute({ destination: "10.1.0.0/16", index }))).toBe("ESRCH");
    await ask(host, [delAddress({ index, address: "172.30.0.1/16" })]);
    expect(host.ip("-4", "address", "show", "br-r")).toEqual([]);
  });

  test("a neighbour has an address for good", async () => {
    const index = await bridge("br-n");
    const entry = { index, mac: "02:42:ac:11:00:07", address: "172.31.0.7" };
    await ask(host, [newNeighbour(entry)]);
    expect(host.ip("neighbour", "show", "dev", "br-n")).toMatchObject([
      { dst: "172.31.0.7", lladdr: "02:42:ac:11:00:07", state: ["PERMANENT"] },
    ]);
    await ask(host, [delNeighbour(entry)]);
    expect(await errnoOf(host, delNeighbour(entry))).toBe("ENOENT");
  });
});

/** A UDP connection that is tracked as if `from` had sent to `to`, and `replySource` would answer. */
function tracked(from: string, to: string, port: number, replySource: string): Message {
  const tuple = (type: number, source: string, destination: string, ports: readonly [number, number]) => {
    const v6 = source.includes(":");
    return nested(type, [
      nested(1, [binary(v6 ? 3 : 1, addressBytes(source)), binary(v6 ? 4 : 2, addressBytes(destination))]),
      nested(2, [u8(1, 17), be16(2, ports[0]), be16(3, ports[1])]),
    ]);
  };
  return {
    type: 0x100,
    flags: 0x600,
    header: header([1, from.includes(":") ? 10 : 2], [1, 0], [2, 0]),
    attributes: [tuple(1, from, to, [4000, port]), tuple(2, replySource, from, [port, 4000]), be32(7, 600)],
    text: "CT_NEW",
  };
}

/** Ports that tracked connections were first sent to. */
async function trackedPorts(): Promise<number[]> {
  const messages = [2, 10].map((family) => ({
    type: 0x101,
    flags: 0x300,
    header: header([1, family], [1, 0], [2, 0]),
    attributes: [],
    text: "CT_GET",
  }));
  const answers: Uint8Array[] = [];
  for (const message of messages) answers.push(await ask(host, [message], "netfilter"));
  return answers
    .flatMap((answer) => parseMessages(answer))
    .map(({ payload }) => new AttributeReader(payload, 4).nested(1)?.nested(2)?.be16(3) ?? 0)
    .toSorted((a, b) => a - b);
}

const connections = [
  tracked("10.0.0.1", "10.0.0.2", 53, "172.30.0.2"),
  tracked("10.0.0.1", "10.0.0.2", 54, "172.30.0.2"),
  tracked("10.0.0.1", "10.0.0.3", 55, "172.30.0.3"),
  tracked("fd00::1", "fd00::2", 56, "fd30::2"),
  tracked("fd00::1", "fd00::3", 57, "fd30::3"),
  tracked("10.0.0.9", "10.0.0.2", 58, "172.30.0.4"),
];

const newKernel = Number(release().split(".")[0]) * 100 + Number(release().split(".")[1]) >= 612;
const noFlush = newKernel ? undefined : "this kernel doesn't choose connections itself";
testUnless(noFlush)("connections are forgotten by where they went to, and by who answers", async () => {
  for (const connection of connections) await ask(host, [connection], "netfilter");
  expect(await trackedPorts()).toEqual([53, 54, 55, 56, 57, 58]);
  const forget = async (...messages: Message[]): Promise<number[]> => {
    for (const message of messages) await ask(host, [message], "netfilter");
    return trackedPorts();
  };
  const published = { protocol: "udp", destination: "10.0.0.2", destinationPort: 53 } as const;
  expect(await forget(deleteConnections({ ...published, protocol: "tcp" }))).toHaveLength(6);
  expect(await forget(deleteConnections(published))).toEqual([54, 55, 56, 57, 58]);
  expect(await forget(deleteConnections(published))).toEqual([54, 55, 56, 57, 58]);
  expect(await forget(deleteConnections({ replySource: "172.30.0.3" }))).toEqual([54, 56, 57, 58]);
  expect(await forget(deleteConnections({ protocol: "udp", destinationPort: 58 }))).toEqual([54, 56, 57]);
});

test("connections of any family are found, and forgotten one by one", async () => {
  for (const connection of connections) await ask(host, [{ ...connection, flags: 0x500 }], "netfilter");
  const forget = async (family: 4 | 6, filter: ConnectionFilter): Promise<number[]> => {
    const found = await ask(host, [dumpConnections(family, "udp")], "netfilter");
    const deletions = deletionsOf(found, filter);
    if (deletions.length > 0) await ask(host, deletions, "netfilter");
    return trackedPorts();
  };
  expect(await forget(6, { replySource: "fd30::2" })).toEqual([53, 54, 55, 57, 58]);
  expect(await forget(6, { protocol: "udp", destination: "fd00::3", destinationPort: 50 })).toHaveLength(5);
  expect(await forget(6, { protocol: "udp", destination: "fd00::3", destinationPort: 57 })).toEqual([
    53, 54, 55, 58,
  ]);
  expect(await forget(4, { replySource: "172.30.0.2" })).toEqual([55, 58]);
  expect(await forget(4, { protocol: "tcp" })).toEqual([55, 58]);
});

test("sockets that stand in a port's way are found", async () => {
  const script = `
    const { createServer } = require("node:net");
    const { createSocket } = require("node:dgram");
    const tcp = (port, host) => new Promise((done) => createServer().listen(port, host, done));
    const udp = (port, host) => new Promise((done) => createSocket("udp4").bind(port, host, done));
    Promise.all([tcp(8080, "127.0.0.1"), tcp(8081, "::1"), tcp(8082, "::"), udp(5353, "0.0.0.0")]).then(() => console.log("bound"));`;
  const holder = spawn("nsenter", [`--target=${host.pid}`, "--net", process.execPath, "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    const bound = async (protocol: "tcp" | "udp", family: 4 | 6): Promise<unknown> =>
      decodeBoundSockets(await ask(host, [dumpBoundSockets(protocol, family)], "diag"), 5353, 3000);
    expect(await bound("tcp", 4)).toEqual([{ address: "127.0.0.1", port: 8080, both: false }]);
    expect(await bound("tcp", 6)).toEqual(
      expect.arrayContaining([
        { address: "::1", port: 8081, both: false },
        { address: "::", port: 8082, both: true },
      ]),
    );
    expect(await bound("udp", 4)).toEqual([{ address: "0.0.0.0", port: 5353, both: false }]);
    expect(await bound("udp", 6)).toEqual([]);
  } finally {
    holder.kill("SIGKILL");
  }
});
