/**
 * Networks that others make: a plugin of Docker's protocol, a plugin of addresses, and CNI's own bridge.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FakePlugin, type FakeAnswers } from "../../src/plugins/testing.ts";
import { spawn } from "node:child_process";
import { removeAll } from "../support/containers.ts";
import { dockerEnvironment, dockerPath } from "../support/docker.ts";
import { caisson, TestEngine, type Ended } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.startWithMounts();
  // Where plugins are looked for, as only this engine sees it.
  inside("mount", "-t", "tmpfs", "none", "/run");
  inside("mkdir", "-p", "/run/docker/plugins");
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(async () => {
  await removeAll(engine);
  await must("network", "prune", "-f");
});

function inside(name: string, ...args: readonly string[]): string {
  const { code, stdout, stderr } = engine.runInside(name, args);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

const links = (): string => inside("ip", "-brief", "link");

/** Runs a command line; meanwhile the plugins of this process answer. */
async function command(args: readonly string[]): Promise<Ended> {
  const child = spawn(dockerPath ?? caisson, args, {
    env: { ...process.env, ...dockerEnvironment(engine) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

async function must(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command(args);
  if (code !== 0) throw new Error(`${args.join(" ")}: exit code ${code}: ${stdout}${stderr}`);
  return stdout.trimEnd();
}

const shell = (flags: readonly string[], script: string): Promise<string> =>
  must("run", "--rm", ...flags, "busybox", "sh", "-c", script);
const start = (flags: readonly string[], script = "exec sleep 1000"): Promise<string> =>
  must("run", "-d", ...flags, "busybox", "sh", "-c", script);
const execute = (id: string, script: string): Promise<string> => must("exec", id, "sh", "-c", script);

/** A plugin in the engine's places. Each answers by a socket of its own. */
async function plugin(name: string, answers: FakeAnswers): Promise<FakePlugin> {
  const socket = join(engine.directory, `${name}.sock`);
  const fake = await FakePlugin.listen(socket, answers);
  inside("ln", "-sf", socket, `/run/docker/plugins/${name}.sock`);
  return fake;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000 * patience; !holds(); await delay(20)) {
    if (Date.now() > end) throw new Error(`never came to pass: ${what}`);
  }
}

/** A plugin that makes a veth for each endpoint, whose other end is the network's gateway. */
async function vethPlugin(name: string, more: FakeAnswers = {}): Promise<FakePlugin> {
  const short = (body: Readonly<Record<string, unknown>>): string => String(body["EndpointID"]).slice(0, 7);
  return plugin(name, {
    "NetworkDriver.CreateEndpoint": (body) => {
      const id = short(body);
      inside("ip", "link", "add", `h${id}`, "type", "veth", "peer", "name", `c${id}`);
      inside("ip", "addr", "add", "10.77.0.1/24", "dev", `h${id}`);
      inside("ip", "link", "set", `h${id}`, "up");
      return {};
    },
    "NetworkDriver.Join": (body) => ({
      InterfaceName: { SrcName: `c${short(body)}`, DstPrefix: "plug" },
      Gateway: "10.77.0.1",
      StaticRoutes: [{ Destination: "10.78.0.0/16", RouteType: 0, NextHop: "10.77.0.1" }],
    }),
    // Gone with the container's namespace, unless that is still there.
    "NetworkDriver.DeleteEndpoint": (body) => {
      engine.runInside("ip", ["link", "del", `h${short(body)}`]);
      return {};
    },
    ...more,
  });
}

const settings = async (container: string): Promise<Readonly<Record<string, unknown>>> => {
  const [found] = JSON.parse(await must("inspect", container)) as [
    { NetworkSettings: { Networks: Record<string, Readonly<Record<string, unknown>>> } },
  ];
  return found.NetworkSettings.Networks["n"] ?? {};
};

test("a network of a plugin: its link becomes the container's interface", async () => {
  using fake = await vethPlugin("veths");
  await must("network", "create", "-d", "veths", "-o", "a=b", "--subnet=10.77.0.0/24", "n");
  expect(fake.asked("NetworkDriver.CreateNetwork")).toMatchObject({
    Options: { "com.docker.network.generic": { a: "b" } },
    IPv4Data: [{ Pool: "10.77.0.0/24", Gateway: "10.77.0.1/24" }],
  });
  const output = await shell(["--network=n"], "ip -o addr show plug0; ip route; ping -c1 -W5 10.77.0.1");
  expect(output).toContain("inet 10.77.0.2/24");
  expect(output).toContain("default via 10.77.0.1 dev plug0");
  expect(output).toContain("10.78.0.0/16 via 10.77.0.1 dev plug0");
  expect(output).toContain(" 0% packet loss");
  await until("the plugin is told of the end", () => fake.methods.at(-1) === "NetworkDriver.DeleteEndpoint");
  const id = await start(["--network=n", "-p", "8080:80"]);
  expect(await settings(id)).toMatchObject({ IPAddress: "10.77.0.3", IPPrefixLen: 24, Gateway: "10.77.0.1" });
  expect(fake.asked("NetworkDriver.ProgramExternalConnectivity")).toMatchObject({
    Options: { "com.docker.network.portmap": [{ Proto: 6, Port: 80, HostPort: 8080 }] },
  });
  await must("rm", "-f", id);
  await must("network", "rm", "n");
  expect(fake.methods.slice(-4)).toEqual([
    "NetworkDriver.RevokeExternalConnectivity",
    "NetworkDriver.Leave",
    "NetworkDriver.DeleteEndpoint",
    "NetworkDriver.DeleteNetwork",
  ]);
});

test("a running container comes onto a plugin's network and leaves it; the link goes back", async () => {
  using fake = await vethPlugin("live", { "NetworkDriver.DeleteEndpoint": {} });
  await must("network", "create", "-d", "live", "--subnet=10.77.0.0/24", "n");
  await must("network", "create", "other");
  const id = await start(["--network=other"]);
  await must("network", "connect", "n", id);
  expect(await execute(id, "ip -o addr show plug0; ip route")).toContain("inet 10.77.0.2/24");
  const routes = await execute(id, "ip route | grep -c ^default");
  expect(routes).toBe("1");
  const link = `c${String(fake.asked("NetworkDriver.Join")?.["EndpointID"]).slice(0, 7)}`;
  expect(links()).not.toContain(link);
  await must("network", "disconnect", "n", id);
  expect(await execute(id, "ip -o link")).not.toContain("plug0");
  expect(links()).toContain(link);
  inside("ip", "link", "del", link);
});

test("errors of plugins reach whoever asked, and leave nothing", async () => {
  let refuses = true;
  using fake = await vethPlugin("bad", {
    "NetworkDriver.CreateNetwork": () => (refuses ? { Err: "no more networks" } : {}),
    "NetworkDriver.Join": { Err: "no way in" },
  });
  const refused = async (...args: readonly string[]): Promise<string> => {
    const { code, stderr } = await command(args);
    expect(code).not.toBe(0);
    return stderr;
  };
  const create = ["network", "create", "-d", "bad", "--subnet=10.77.0.0/24", "n"];
  expect(await refused(...create)).toContain("remote: no more networks");
  refuses = false;
  await must(...create);
  const before = links();
  expect(await refused("run", "--network=n", "busybox", "true")).toContain(
    "failed to set up container networking: remote: no way in",
  );
  await until(
    "the plugin is told to forget it",
    () => fake.methods.at(-1) === "NetworkDriver.DeleteEndpoint",
  );
  await until("the link is gone", () => links() === before);
  expect(await must("network", "inspect", "-f", "{{len .Containers}}", "n")).toBe("0");
  expect(await refused("network", "create", "-d", "nobody", "x")).toContain('plugin "nobody" not found');
  expect(await refused("network", "create", "--ipam-driver", "nobody", "x")).toContain(
    'plugin "nobody" not found',
  );
});

test("a plugin that hangs delays its own container alone", async () => {
  using fake = await vethPlugin("hangs", { "NetworkDriver.Join": "hang" });
  await must("network", "create", "-d", "hangs", "--subnet=10.77.0.0/24", "n");
  const id = await must("create", "--network=n", "busybox", "true");
  let over = false;
  const starting = engine.request("POST", `/containers/${id}/start`).finally(() => void (over = true));
  await until("it hangs", () => fake.methods.at(-1) === "NetworkDriver.Join");
  expect(await shell(["--network=bridge"], "echo runs")).toBe("runs");
  expect(over).toBe(false);
  fake[Symbol.dispose]();
  const answer = await starting;
  expect(answer.status).toBe(500);
  expect(answer.json<{ message: string }>().message).toContain('plugin "hangs" did not answer');
}, 90_000);

test("addresses of a plugin, on a network of the engine's own", async () => {
  let last = 40;
  using fake = await plugin("book", {
    "IpamDriver.GetCapabilities": { RequiresMACAddress: true },
    "IpamDriver.RequestPool": { PoolID: "shelf", Pool: "10.79.0.0/16" },
    "IpamDriver.RequestAddress": ({ Options, Address }) =>
      "RequestAddressType" in (Options as object)
        ? { Address: "10.79.0.1/16" }
        : { Address: Address === "" ? `10.79.5.${(last += 1)}/16` : `${String(Address)}/16` },
  });
  await must("network", "create", "--ipam-driver=book", "--ipam-opt=k=v", "n");
  const [network] = JSON.parse(await must("network", "inspect", "n")) as [{ IPAM: unknown }];
  expect(network.IPAM).toEqual({
    Driver: "book",
    Options: { k: "v" },
    Config: [{ Subnet: "10.79.0.0/16", Gateway: "10.79.0.1" }],
  });
  const mac = "02:00:00:00:00:09";
  const output = await shell(
    ["--network=n", `--mac-address=${mac}`],
    "ip addr show eth0; ping -c1 10.79.0.1",
  );
  expect(output).toContain("inet 10.79.5.41/16");
  expect(output).toContain(mac);
  expect(fake.asked("IpamDriver.RequestAddress")).toEqual({
    PoolID: "shelf",
    Address: "",
    Options: { k: "v", "com.docker.network.endpoint.macaddress": mac },
  });
  await until("it is given back", () => fake.methods.at(-1) === "IpamDriver.ReleaseAddress");
  expect(fake.asked("IpamDriver.ReleaseAddress")).toEqual({ PoolID: "shelf", Address: "10.79.5.41" });
  await must("network", "rm", "n");
  expect(fake.methods.at(-1)).toBe("IpamDriver.ReleasePool");
});

const cni = testUnless(
  existsSync("/usr/lib/cni/bridge") ? undefined : "no CNI plugins: Debian's containernetworking-plugins",
);

/** Writes a list whose network is a bridge of CNI's. */
function bridgeList(more: readonly object[] = []): string {
  const path = join(engine.directory, "n.conflist");
  const bridge = {
    type: "bridge",
    bridge: "cni7",
    isGateway: true,
    ipMasq: true,
    ipam: {
      type: "host-local",
      dataDir: join(engine.directory, "leases"),
      ranges: [[{ subnet: "10.87.0.0/24" }]],
      routes: [{ dst: "0.0.0.0/0" }],
    },
  };
  writeFileSync(path, JSON.stringify({ cniVersion: "1.0.0", name: "n", plugins: [bridge, ...more] }));
  return path;
}

const leases = (): string[] =>
  readdirSync(join(engine.directory, "leases", "n")).filter((name) => name.startsWith("10."));
const rules = (): number => {
  const all = inside("iptables-save", "-t", "nat");
  return all.split("\n").filter((line) => /^-A CNI-[0-9a-f]{24}/.test(line)).length;
};

cni("a network of CNI: its plugins make the interface before the process runs", async () => {
  const config = bridgeList([{ type: "portmap", capabilities: { portMappings: true } }]);
  await must("network", "create", "-d", "cni", "-o", `config=${config}`, "n");
  const seen = await shell(["--network=n"], "ip -o addr show eth0; ip route; hostname -i");
  expect(seen).toContain("inet 10.87.0.2/24");
  expect(seen).toContain("default via 10.87.0.1 dev eth0");
  const web = await start(
    ["--network=n", "--name=web", "-p", "8081:80"],
    "while true; do echo hello | nc -l -p 80; done",
  );
  const { IPAddress } = await settings(web);
  expect(await settings(web)).toMatchObject({ IPPrefixLen: 24, Gateway: "10.87.0.1" });
  expect(IPAddress).toMatch(/^10\.87\.0\.\d+$/);
  expect(await execute(web, "cat /etc/hosts")).toContain(String(IPAddress));
  const ask = (address: string, port: string): string =>
    engine.runInside("busybox", ["nc", "-w", "5", address, port]).stdout;
  await until("the container answers", () => ask(String(IPAddress), "80") === "hello\n");
  await until("its port answers", () => ask("10.87.0.1", "8081") === "hello\n");
  expect(await shell(["--network=n"], "getent hosts web || nslookup web")).toContain(String(IPAddress));
  await must("rm", "-f", web);
  await must("network", "rm", "n");
  expect(leases()).toEqual([]);
  expect(rules()).toBe(0);
});

cni("beside another network, and live; the default route stays one", async () => {
  await must("network", "create", "-d", "cni", "-o", `config=${bridgeList()}`, "n");
  await must("network", "create", "other");
  const both = await shell(["--network=n", "--network=other"], "ip route");
  expect(both.split("\n").filter((line) => line.startsWith("default"))).toHaveLength(1);
  expect(both).toContain("10.87.0.0/24 dev eth");
  const id = await start(["--network=other"]);
  await must("network", "connect", "n", id);
  expect(await execute(id, "ip route")).toContain("10.87.0.0/24 dev eth1");
  expect(await execute(id, "ip route | grep -c ^default")).toBe("1");
  await must("network", "disconnect", "n", id);
  expect(await execute(id, "ip -o link")).not.toContain("eth1");
  expect(leases()).toEqual([]);
});

cni(
  "what a plugin refuses, and an engine that is killed while a process is held, leave nothing",
  async () => {
    const path = join(engine.directory, "slow");
    inside("mount", "-t", "tmpfs", "none", "/opt");
    inside("mkdir", "-p", "/opt/cni/bin");
    const go = `${path}.go`;
    writeFileSync(
      path,
      `#!/bin/sh\n[ $CNI_COMMAND = ADD ] || exit 0\n: >${path}.asked\nwhile ! [ -e ${go} ]; do sleep .05; done\ncat >&2; exit 1\n`,
      {
        mode: 0o755,
      },
    );
    inside("ln", "-s", path, "/opt/cni/bin/slow");
    await must("network", "create", "-d", "cni", "-o", `config=${bridgeList([{ type: "slow" }])}`, "n");
    const id = await must("create", "--network=n", "busybox", "touch", "/ran");
    const killed = engine.request("POST", `/containers/${id}/start`).catch(() => undefined);
    await until("the plugin works", () => existsSync(`${path}.asked`));
    expect(leases()).toHaveLength(1);
    await engine.kill();
    await killed;
    writeFileSync(go, "");
    await engine.resume();
    expect(await must("ps", "-a", "--format={{.State}}")).toBe("created");
    await until("the address is given back", () => leases().length === 0);
    const { stderr } = await command(["start", id]);
    expect(stderr).toContain("failed to set up container networking: CNI plugin slow: ADD: ");
    await until("the address is given back", () => leases().length === 0);
    expect(readFileSync(join(engine.directory, "log"), "utf8")).not.toContain("find container");
  },
);
