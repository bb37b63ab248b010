/**
 * Network drivers in the kernel: needs root.
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { CLONE, close, flags, int, type ProgramBuilder } from "../../src/kernel/mod.ts";
import {
  decodeLinks,
  dumpLinks,
  encodeMessages,
  netlink,
  openNetlink,
} from "../../src/kernel/netlink/mod.ts";
import {
  driverOf,
  enableForwarding,
  interfaceIndexOf,
  type Endpoint,
  type LinkFacts,
  type NetworkRecord,
  type NetworkStep,
} from "../../src/network/mod.ts";
import { dual, endpoint, network } from "../../src/network/links/testing.ts";
import { testUnless } from "../support/requires.ts";
import { TestSandbox } from "./sandbox.ts";

interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly operstate: string;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly ifalias?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_slave_data?: { readonly hairpin: boolean };
  };
  readonly addr_info: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly scope: string;
    readonly broadcast?: string;
  }[];
}

function missing(script: string, what: string): string | undefined {
  const { status } = spawnSync("unshare", ["--net", "sh", "-c", `ip link add p0 type bridge && ${script}`]);
  return status === 0 ? undefined : `this kernel has no ${what}`;
}

const noVlan = missing("ip link add link p0 name p0.10 type vlan id 10", "802.1Q");
const noDummy = missing("ip link add d0 type dummy", "dummy");
const noIpvlan = missing("ip link add link p0 name i0 type ipvlan", "ipvlan");

let host: TestSandbox;
let container: TestSandbox;
beforeEach(async () => {
  host = await TestSandbox.make();
  container = await TestSandbox.make();
});
afterEach(() => {
  host[Symbol.dispose]();
  container[Symbol.dispose]();
});

/** The host's links by name. */
async function hostLinks(): Promise<ReadonlyMap<string, LinkFacts>> {
  const { outcome, parts } = await host.run((b) => {
    const socket = b.slot("route socket");
    openNetlink(b, "open a route socket", "route", socket);
    const out = b.out(65536);
    return { out, length: netlink(b, "list the links", socket, encodeMessages([dumpLinks()]), out) };
  });
  const links = decodeLinks(outcome.bytesOf(parts.out).subarray(0, outcome.valueOf(parts.length)));
  return new Map(links.map((link) => [link.name, link]));
}

/** Runs the steps one after the other. */
async function run(steps: readonly NetworkStep[]): Promise<void> {
  for (const step of steps) {
    const links = await hostLinks();
    await host.run((b) =>
      step.add(
        b,
        step.links.map((name) => links.get(name)),
      ),
    );
  }
}

/** Puts an endpoint into `container`. */
async function attach(of: NetworkRecord, on: Endpoint, hairpin = false): Promise<void> {
  const driver = driverOf(of);
  const link = (await hostLinks()).get(driver.link(of) ?? "");
  if (link === undefined) throw new TypeError("the network has no link");
  await host.run((b) => {
    const socket = b.slot("route socket");
    const namespace = b.slot("namespace");
    openNetlink(b, "open a route socket", "route", socket);
    b.call("open the namespace", "openat", [-100, `/proc/${container.pid}/ns/net`, 0o2000000], {
      into: namespace,
    });
    driver.attach(b, of, on, { socket, sandbox: { descriptor: namespace }, link, hairpin });
  });
  await container.run((b) => {
    const socket = b.slot("route socket");
    openNetlink(b, "open a route socket", "route", socket);
    driver.configure(b, of, on, socket);
  });
}

/** An endpoint of a network without a bridge. */
function onLan(of: NetworkRecord): Endpoint {
  return endpoint({ interfaceIndex: interfaceIndexOf(of, endpoint().id, 0) });
}

function addresses(where: TestSandbox, name: string): string[] {
  const [link] = where.ip<Link>("address", "show", "dev", name);
  return (link?.addr_info ?? [])
    .filter(({ scope }) => scope !== "link")
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

function sysctl(where: TestSandbox, name: string): string {
  return where.command("cat", `/proc/sys/${name.replaceAll(".", "/")}`).trim();
}

function reaches(where: TestSandbox, address: string): boolean {
  const { status } = spawnSync("nsenter", [
    `--target=${where.pid}`,
    "--net",
    "busybox",
    "ping",
    "-c1",
    "-W2",
    address,
  ]);
  return status === 0;
}

describe("a bridge network", () => {
  test("is made once, kept on a second time, removed, and made again", async () => {
    const web = network("bridge", { "com.docker.network.driver.mtu": "1400" }, dual);
    const driver = driverOf(web);
    await run(driver.up(web));
    const [first] = host.ip<Link>("address", "show", "dev", "br-0a7c5b3249af");
    expect(first).toMatchObject({
      mtu: 1400,
      address: "82:b2:c3:d4:e5:f6",
      ifalias: "caisson network 0a7c5b3249af",
    });
    expect(first?.flags).toContain("UP");
    expect(addresses(host, "br-0a7c5b3249af")).toEqual(["172.30.0.1/16", "fd30::1/64"]);
    expect(sysctl(host, "net.ipv6.conf.br-0a7c5b3249af.accept_ra")).toBe("0");
    expect(sysctl(host, "net.ipv4.conf.br-0a7c5b3249af.route_localnet")).toBe("1");
    await run(driver.up(web));
    expect(host.ip<Link>("address", "show", "dev", "br-0a7c5b3249af")[0]?.ifindex).toBe(first?.ifindex ?? 0);
    await run(driver.down(web, []));
    expect((await hostLinks()).has("br-0a7c5b3249af")).toBe(false);
    await run(driver.down(web, []));
    await run(driver.up(web));
    expect(addresses(host, "br-0a7c5b3249af")).toEqual(["172.30.0.1/16", "fd30::1/64"]);
  });

  test("leaves a person's bridge behind, with the addresses that it had", async () => {
    host.command("ip", "link", "add", "lan", "type", "bridge");
    host.command("ip", "address", "add", "10.9.0.1/24", "dev", "lan");
    const web = network("bridge", { "com.docker.network.bridge.name": "lan" });
    await run(driverOf(web).up(web));
    expect(addresses(host, "lan")).toEqual(["10.9.0.1/24", "172.30.0.1/16"]);
    await run(driverOf(web).down(web, []));
    expect((await hostLinks()).has("lan")).toBe(true);
  });

  test("has endpoints that the host and they reach each other by", async () => {
    const web = network("bridge", {}, dual);
    await run(driverOf(web).up(web));
    await attach(web, endpoint({ ipv6: "fd30::2", gateway6: true, linkLocal: ["169.254.3.4"] }), true);
    const [outside] = host.ip<Link>("link", "show", "veth1a2b3c4");
    expect(outside).toMatchObject({
      master: "br-0a7c5b3249af",
      linkinfo: { info_slave_data: { hairpin: true } },
    });
    const [inside] = container.ip<Link>("address", "show", "eth0");
    expect(inside).toMatchObject({ ifindex: 16, address: "02:42:ac:1e:00:02", mtu: 1500, operstate: "UP" });
    expect(inside?.addr_info[0]).toMatchObject({
      local: "172.30.0.2",
      prefixlen: 16,
      broadcast: "172.30.255.255",
    });
    expect(addresses(container, "eth0")).toEqual(["172.30.0.2/16", "169.254.3.4/16", "fd30::2/64"]);
    expect(container.ip("route", "show", "default")).toMatchObject([{ gateway: "172.30.0.1", dev: "eth0" }]);
    expect(container.ip("-6", "route", "show", "default")).toMatchObject([
      { gateway: "fd30::1", dev: "eth0" },
    ]);
    expect(reaches(host, "172.30.0.2")).toBe(true);
    expect(reaches(container, "172.30.0.1")).toBe(true);
    expect(reaches(container, "fd30::1")).toBe(true);
  });

  test("has endpoints without IPv6, as dockerd makes them", async () => {
    const web = network("bridge", { "com.docker.network.driver.mtu": "1300" }, { internal: true });
    await run(driverOf(web).up(web));
    await attach(
      web,
      endpoint({ interface: "web0", interfaceIndex: 7, sysctls: ["net.ipv4.conf.IFNAME.forwarding=1"] }),
    );
    const [inside] = container.ip<Link>("address", "show", "web0");
    expect(inside?.addr_info.map(({ local }) => local)).toEqual(["172.30.0.2"]);
    expect(inside).toMatchObject({ ifindex: 7, mtu: 1300 });
    expect(sysctl(container, "net.ipv6.conf.web0.disable_ipv6")).toBe("1");
    expect(sysctl(container, "net.ipv6.conf.lo.disable_ipv6")).toBe("0");
    expect(sysctl(container, "net.ipv4.conf.web0.forwarding")).toBe("1");
    expect(container.ip("route", "show", "default")).toEqual([]);
    expect(host.ip<Link>("link", "show", "veth1a2b3c4")[0]?.linkinfo?.info_slave_data?.hairpin).toBe(false);
  });

  test("has a successor of an address reached at once: the host knows of the new one", async () => {
    const web = network("bridge");
    await run(driverOf(web).up(web));
    await attach(web, endpoint());
    expect(reaches(host, "172.30.0.2")).toBe(true);
    container[Symbol.dispose]();
    container = await TestSandbox.make();
    await attach(web, endpoint({ mac: "02:42:00:00:00:99", hostLink: "veth9999999", id: "9".repeat(64) }));
    const known = host.ip<{ dst: string; lladdr: string }>("neighbour", "show", "172.30.0.2");
    expect(known).toMatchObject([{ lladdr: "02:42:00:00:00:99" }]);
    expect(reaches(host, "172.30.0.2")).toBe(true);
  });

  test("is made inside of a program that makes the container's process as well", async () => {
    const web = network("bridge");
    await run(driverOf(web).up(web));
    const link = (await hostLinks()).get("br-0a7c5b3249af");
    const { outcome, parts } = await host.run((b) => inOneProgram(b, web, endpoint(), link));
    // Whoever looks at the namespace from inside found the route: the channel ended without an error.
    expect(outcome.valueOf(parts)).toBe(0);
  });
});

/** Adds a process in a namespace of its own with an endpoint in it. The result says that its body ended well. */
function inOneProgram(
  b: ProgramBuilder,
  of: NetworkRecord,
  on: Endpoint,
  link: LinkFacts | undefined,
): ReturnType<ProgramBuilder["call"]> {
  if (link === undefined) throw new TypeError("the network has no link");
  const socket = b.slot("route socket");
  const channel = b.slot("channel");
  openNetlink(b, "open a route socket", "route", socket);
  const pid = b.clone("make a process", { flags: flags(CLONE, "NEWNET"), channel }, () => {
    const inside = b.slot("its route socket");
    b.composite("wait for the interface", "await", [channel, int(1, "SYNC")]);
    openNetlink(b, "open a route socket", "route", inside);
    driverOf(of).configure(b, of, on, inside);
  });
  driverOf(of).attach(b, of, on, { socket, sandbox: { pid }, link });
  b.composite("say that it is there", "sync", [channel, 0]);
  close(b, socket);
  return b.composite("wait until it is configured", "await", [channel, int(2, "EOF")]);
}

describe("a macvlan network", () => {
  test.each(["bridge", "private", "vepa", "passthru"])("has endpoints in mode %s", async (mode) => {
    host.command("ip", "link", "add", "lan", "type", "veth", "peer", "name", "lan-end");
    host.command("ip", "link", "set", "lan", "up");
    host.command("ip", "link", "set", "lan-end", "up");
    host.command("ip", "address", "add", "172.30.0.1/16", "dev", "lan-end");
    const web = network("macvlan", { parent: "lan", macvlan_mode: mode });
    await run(driverOf(web).up(web));
    await attach(web, onLan(web));
    expect(container.ip<Link>("link", "show", "eth0")[0]).toMatchObject({
      ifindex: interfaceIndexOf(web, endpoint().id, 0),
      address: "02:42:ac:1e:00:02",
      linkinfo: { info_kind: "macvlan", info_data: { mode } },
    });
    expect(container.ip("route", "show", "default")).toMatchObject([{ gateway: "172.30.0.1" }]);
    expect(reaches(container, "172.30.0.1")).toBe(true);
    await run(driverOf(web).down(web, []));
    expect((await hostLinks()).has("lan")).toBe(true);
  });

  test("refuses a parent that is not there", async () => {
    const web = network("macvlan", { parent: "nope.10" });
    expect(run(driverOf(web).up(web))).rejects.toThrow("-o parent interface was not found on the host: nope");
  });

  testUnless(noVlan)("makes a VLAN, and removes it", async () => {
    host.command("ip", "link", "add", "trunk", "type", "bridge");
    host.command("ip", "link", "set", "trunk", "up");
    const web = network("macvlan", { parent: "trunk.10" });
    await run(driverOf(web).up(web));
    expect(host.ip<Link>("link", "show", "trunk.10")[0]?.linkinfo).toMatchObject({ info_kind: "vlan" });
    await run(driverOf(web).down(web, []));
    expect((await hostLinks()).has("trunk.10")).toBe(false);
  });

  testUnless(noDummy)("without a parent sits on a dummy", async () => {
    const web = network("macvlan");
    await run(driverOf(web).up(web));
    await attach(web, onLan(web));
    expect(container.ip("route", "show", "default")).toEqual([]);
    await run(driverOf(web).down(web, []));
    expect((await hostLinks()).has("dm-0a7c5b3249af")).toBe(false);
  });
});

describe("an ipvlan network", () => {
  for (const mode of ["l2", "l3", "l3s"]) {
    testUnless(noIpvlan)(`has endpoints in mode ${mode}`, async () => {
      host.command("ip", "link", "add", "lan", "type", "bridge");
      host.command("ip", "link", "set", "lan", "up");
      const web = network("ipvlan", { parent: "lan", ipvlan_mode: mode });
      await run(driverOf(web).up(web));
      await attach(web, onLan(web));
      expect(container.ip<Link>("link", "show", "eth0")[0]).toMatchObject({
        ifindex: interfaceIndexOf(web, endpoint().id, 0),
        linkinfo: { info_kind: "ipvlan", info_data: { mode } },
      });
      const [route] = container.ip<{ gateway?: string }>("route", "show", "default");
      expect(route?.gateway).toBe(mode === "l2" ? "172.30.0.1" : undefined);
    });
  }
});

test("forwarding is switched on in the namespace", async () => {
  await host.run((b) => enableForwarding(b, { ipv4: true, ipv6: true }));
  expect(sysctl(host, "net.ipv4.ip_forward")).toBe("1");
  expect(sysctl(host, "net.ipv6.conf.all.forwarding")).toBe("1");
  expect(sysctl(host, "net.ipv6.conf.default.forwarding")).toBe("1");
});
