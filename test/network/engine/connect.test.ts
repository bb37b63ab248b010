/**
 * Containers that come onto networks and leave them while they run, containers on several networks from the start, and
 * what is told of it.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { command, eventually, execute, must, removeAll } from "../../support/containers.ts";
import { TestEngine } from "../../support/engine.ts";
import { proxiesOf } from "./left.ts";
import { LAN, NetworkPlace } from "./place.ts";

let engine: TestEngine;
let place: NetworkPlace;

beforeAll(async () => {
  engine = await TestEngine.start();
  place = await NetworkPlace.around(engine);
  must(engine, ["network", "create", "--subnet", "10.41.0.0/24", "--ipv6", "--subnet", "fd41::/64", "aa"]);
  must(engine, ["network", "create", "--subnet", "10.42.0.0/24", "bb"]);
  must(engine, ["network", "create", "--subnet", "10.43.0.0/24", "--internal", "shut"]);
}, 60_000);

afterEach(() => removeAll(engine));

afterAll(() => place[Symbol.asyncDispose]());

const idle = ["busybox", "sleep", "1000"];

interface Shown {
  readonly Id: string;
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly Ports: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
    >;
  };
}

async function inspected(container: string): Promise<Shown> {
  return place.call<Shown>("GET", `/containers/${container}/json`);
}

/** `INTERFACE ADDRESS…` of a container, and its default routes. */
function links(container: string): { links: string[]; routes: string } {
  const text = execute(engine, container, "ip -o addr; echo; ip route; ip -6 route");
  const [addresses = "", routes = ""] = text.split("\n\n");
  const found = [...addresses.matchAll(/^\d+: (eth\d+)\s+inet6? (\S+) .*scope global/gm)];
  return {
    links: found.map(([, link = "", address = ""]) => `${link} ${address}`).sort(),
    routes: (routes.match(/^default via \S+ dev \S+/gm) ?? []).sort().join(", "),
  };
}

/** Events of networks since `begin`, and of what. */
async function events(begin: number): Promise<string[]> {
  const until = Date.now() / 1000;
  const query = `since=${begin}&until=${until}&filters=${encodeURIComponent('{"type":["network"]}')}`;
  const answer = await place.try("GET", `/events?${query}`);
  const lines = answer.body.toString("utf8").trim().split("\n").filter(Boolean);
  return lines.map((line) => {
    const { Action, Actor } = JSON.parse(line) as {
      Action: string;
      Actor: { Attributes: Record<string, string> };
    };
    const { name = "", type = "", container, ...more } = Actor.Attributes;
    return [Action, name, type, ...(container === undefined ? [] : ["container"]), ...Object.keys(more)].join(
      " ",
    );
  });
}

test("connect and disconnect, live: interfaces, addresses, routes, names, /etc/hosts", async () => {
  must(engine, [
    "run",
    "-d",
    "--name",
    "moving",
    "--network",
    "bb",
    "--ip",
    "10.42.0.7",
    "--hostname",
    "hh",
    ...idle,
  ]);
  must(engine, ["run", "-d", "--name", "resident", "--network", "aa", "--ip", "10.41.0.8", ...idle]);
  expect(links("moving")).toEqual({ links: ["eth0 10.42.0.7/24"], routes: "default via 10.42.0.1 dev eth0" });
  const begin = Date.now() / 1000;
  must(engine, [
    "network",
    "connect",
    "--ip",
    "10.41.0.7",
    "--ip6",
    "fd41::7",
    "--alias",
    "al",
    "aa",
    "moving",
  ]);
  // Without priorities the first by name leads out.
  expect(links("moving")).toEqual({
    links: ["eth0 10.42.0.7/24", "eth1 10.41.0.7/24", "eth1 fd41::7/64"],
    routes: "default via 10.41.0.1 dev eth1, default via fd41::1 dev eth1",
  });
  expect(execute(engine, "resident", "nslookup -type=a al 127.0.0.11")).toContain("10.41.0.7");
  expect(execute(engine, "moving", "nslookup -type=a resident 127.0.0.11")).toContain("10.41.0.8");
  const hosts = execute(engine, "moving", "grep hh /etc/hosts").split("\n").sort();
  expect(hosts).toEqual(["10.41.0.7\thh", "10.42.0.7\thh", "fd41::7\thh"]);
  const moving = await place.inside("moving");
  await (await place.inside("resident")).serve(80);
  expect(await moving.tcp("10.41.0.8", 80)).toBe("10.41.0.7 at 80");
  await place.neighbour.serve(7000);
  expect(await moving.tcp(LAN.neighbour, 7000)).toBe(`${LAN.host} at 7000`);
  const {
    NetworkSettings: { Networks },
    Id,
  } = await inspected("moving");
  expect(Networks["aa"]).toMatchObject({
    IPAMConfig: { IPv4Address: "10.41.0.7", IPv6Address: "fd41::7" },
    Links: null,
    Aliases: ["al"],
    DriverOpts: {},
    GwPriority: 0,
    Gateway: "10.41.0.1",
    IPAddress: "10.41.0.7",
    IPPrefixLen: 24,
    IPv6Gateway: "fd41::1",
    GlobalIPv6Address: "fd41::7",
    GlobalIPv6PrefixLen: 64,
    DNSNames: ["moving", "al", Id.slice(0, 12), "hh"],
  });
  expect(Networks["aa"]?.["MacAddress"]).toBe(execute(engine, "moving", "cat /sys/class/net/eth1/address"));
  must(engine, ["network", "disconnect", "aa", "moving"]);
  expect(links("moving")).toEqual({ links: ["eth0 10.42.0.7/24"], routes: "default via 10.42.0.1 dev eth0" });
  expect(execute(engine, "resident", "nslookup -type=a al 127.0.0.11 || true")).not.toContain("10.41.0.7");
  expect(execute(engine, "moving", "grep -c hh /etc/hosts")).toBe("1");
  expect(await moving.tcp(LAN.neighbour, 7000)).toBe(`${LAN.host} at 7000`);
  expect(await events(begin)).toEqual(["connect aa bridge container", "disconnect aa bridge container"]);
  // Its address is free for the next one.
  must(engine, ["run", "--rm", "--network", "aa", "--ip", "10.41.0.7", "busybox", "true"]);
});

test("several networks at create, and the highest priority leads out", () => {
  const on = (...flags: string[]): ReturnType<typeof links> => {
    must(engine, ["run", "-d", "--name", "several", ...flags, ...idle]);
    const shown = links("several");
    must(engine, ["rm", "-f", "several"]);
    return shown;
  };
  expect(
    on(
      "--network",
      "name=bb,ip=10.42.0.9,gw-priority=5",
      "--network",
      "name=aa,ip=10.41.0.9,ip6=fd41::9",
      "--network",
      "name=shut,ip=10.43.0.9",
    ),
  ).toMatchObject({
    links: expect.arrayContaining([
      expect.stringContaining("10.42.0.9/24"),
      expect.stringContaining("10.41.0.9/24"),
      expect.stringContaining("10.43.0.9/24"),
    ]),
    routes: expect.stringMatching(/^default via 10\.42\.0\.1 dev eth\d, default via fd41::1 dev eth\d$/),
  });
  expect(on("--network", "name=bb", "--network", "name=aa,gw-priority=-1").routes).toMatch(
    /^default via 10\.42\.0\.1 /,
  );
  expect(on("--network", "shut", "--network", "bb").routes).toMatch(/^default via 10\.42\.0\.1 dev eth\d$/);
  expect(on("--network", "shut").routes).toBe("");
});

test("gw-priority of a connect moves the default route, published ports follow it", async () => {
  must(engine, [
    "run",
    "-d",
    "--name",
    "web",
    "--network",
    "bb",
    "--ip",
    "10.42.0.7",
    "-p",
    "8080:80",
    ...idle,
  ]);
  const web = await place.inside("web");
  await web.serve(80);
  const way = (): string[] => proxiesOf(engine).map((text) => /-container-ip (\S+)/.exec(text)?.[1] ?? "");
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  expect(way()).toEqual(["10.42.0.7", "10.42.0.7"]);
  must(engine, [
    "network",
    "connect",
    "--gw-priority",
    "10",
    "--ip",
    "10.41.0.7",
    "--ip6",
    "fd41::7",
    "aa",
    "web",
  ]);
  expect(links("web").routes).toBe("default via 10.41.0.1 dev eth1, default via fd41::1 dev eth1");
  for (const address of [LAN.host, LAN.host6])
    expect(await place.neighbour.tcp(address, 8080)).toEndWith(" at 80");
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  expect(await place.host.tcp("::1", 8080)).toEndWith(" at 80");
  expect(way().sort()).toEqual(["10.41.0.7", "fd41::7"]);
  expect(Object.keys((await inspected("web")).NetworkSettings.Ports)).toEqual(["80/tcp"]);
  must(engine, ["network", "disconnect", "aa", "web"]);
  expect(links("web").routes).toBe("default via 10.42.0.1 dev eth0");
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  expect(way()).toEqual(["10.42.0.7", "10.42.0.7"]);
  // On an internal network alone nothing is published.
  must(engine, ["network", "connect", "shut", "web"]);
  must(engine, ["network", "disconnect", "bb", "web"]);
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe("ECONNREFUSED");
  expect(way()).toEqual([]);
  must(engine, ["network", "connect", "--ip", "10.42.0.7", "bb", "web"]);
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  must(engine, ["rm", "-f", "web"]);
  // Their guard ends them when it has heard of the container's end.
  await eventually("the proxies' end", () => proxiesOf(engine).length === 0);
});

test("a connect whose ports can't follow leaves everything as it was", async () => {
  const binding = "com.docker.network.bridge.host_binding_ipv4=127.0.0.1";
  must(engine, ["network", "create", "--subnet", "10.44.0.0/24", "-o", binding, "near"]);
  must(engine, ["run", "-d", "--name", "web", "--network", "near", "-p", "8080:80", ...idle]);
  must(engine, ["run", "-d", "--name", "other", "-p", "127.0.0.2:8080:80", ...idle]);
  await (await place.inside("web")).serve(80);
  const shown = (): unknown => ({
    links: links("web"),
    resolver: execute(engine, "web", "cat /etc/resolv.conf /etc/hosts"),
    devices: place.host.sh("ls /sys/class/net"),
    inspected: must(engine, ["inspect", "-f", "{{json .NetworkSettings}}", "web"]),
    proxies: proxiesOf(engine)
      .map((text) => text.slice(text.indexOf(" ")))
      .sort(),
  });
  const before = shown();
  const connect = ["network", "connect", "--gw-priority", "10", "--ip", "10.42.0.7", "bb", "web"];
  expect(command(engine, connect)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Bind for 127.0.0.2:8080 failed: port is already allocated"),
  });
  expect(shown()).toEqual(before);
  expect(await place.host.tcp("127.0.0.1", 8080)).toEndWith(" at 80");
  // Its address is free, and when the port is, it is connected.
  must(engine, ["rm", "-f", "other"]);
  must(engine, connect);
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  must(engine, ["rm", "-f", "web"]);
  must(engine, ["network", "rm", "near"]);
});

test("the proxies of another engine, on another network namespace, stay when ours end", async () => {
  await using other = await TestEngine.start();
  await using _elsewhere = await NetworkPlace.around(other);
  for (const each of [engine, other]) must(each, ["run", "-d", "--name", "web", "-p", "8080:80", ...idle]);
  const before = proxiesOf(other);
  expect(before).toHaveLength(2);
  must(engine, ["network", "disconnect", "bridge", "web"]);
  expect(proxiesOf(engine)).toEqual([]);
  expect(proxiesOf(other)).toEqual(before);
});

test("a name that another interface has is refused, and that one stays", async () => {
  must(engine, ["run", "-d", "--name", "one", "--network", "aa", ...idle]);
  const before = links("one");
  const name = "com.docker.network.endpoint.ifname=eth0";
  const connected = command(engine, ["network", "connect", "--driver-opt", name, "shut", "one"]);
  expect(connected.stderr).toMatch(
    /failed to add interface (veth[0-9a-f]{7}) to sandbox: error renaming interface "\1" to "eth0": file exists/,
  );
  expect(links("one")).toEqual(before);
  const networks = `name=aa,driver-opt=${name}0`;
  must(engine, ["network", "disconnect", "aa", "one"]);
  const both = ["run", "--network", networks, "--network", `name=bb,driver-opt=${name}0`, "busybox", "true"];
  expect(command(engine, both).stderr).toMatch(
    /failed to set up container networking: failed to add interface veth\w+ to sandbox: error renaming interface "veth\w+" to "eth00": file exists/,
  );
});

test("a container isn't put on a network that is a configuration alone", () => {
  must(engine, ["network", "create", "--config-only", "--subnet", "10.46.0.0/24", "plan"]);
  const refused = command(engine, ["run", "--network", "plan", "busybox", "true"]);
  expect(refused.code).toBe(125);
  expect(refused.stderr).toContain(
    "failed to set up container networking: cannot create endpoint on configuration-only network",
  );
  must(engine, ["network", "rm", "plan"]);
});

test("of a routed network no port of the host is taken, and none is shown", async () => {
  const mode = (family: 4 | 6): string[] => [
    "-o",
    `com.docker.network.bridge.gateway_mode_ipv${family}=routed`,
  ];
  must(engine, ["network", "create", "--subnet", "10.47.0.0/24", ...mode(4), "way"]);
  must(engine, [
    "run",
    "-d",
    "--name",
    "one",
    "--network",
    "way",
    "-p",
    "8080:80",
    "-p",
    "90:90/udp",
    ...idle,
  ]);
  must(engine, ["run", "-d", "--name", "two", "-p", "0.0.0.0:8080:80", "-p", "0.0.0.0:90:90/udp", ...idle]);
  expect((await inspected("one")).NetworkSettings.Ports).toEqual({
    "80/tcp": [
      { HostIp: "0.0.0.0", HostPort: "" },
      { HostIp: "::", HostPort: "8080" },
    ],
    "90/udp": [
      { HostIp: "0.0.0.0", HostPort: "" },
      { HostIp: "::", HostPort: "90" },
    ],
  });
  expect(must(engine, ["port", "one", "80"])).toBe("0.0.0.0:\n[::]:8080");
  await (await place.inside("one")).serve(80);
  await (await place.inside("two")).serve(80);
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  must(engine, ["rm", "-f", "one", "two"]);
  must(engine, ["network", "rm", "way"]);
});

test("the gateway is of the highest priority, then of both families, then the first by name", () => {
  must(engine, ["network", "create", "--subnet", "10.48.0.0/24", "a0"]);
  const way = (...networks: string[]): string =>
    must(engine, [
      "run",
      "--rm",
      ...networks.flatMap((name) => ["--network", name]),
      "busybox",
      "ip",
      "route",
    ])
      .split("\n")
      .filter((line) => line.startsWith("default"))
      .join();
  expect(way("a0", "aa")).toContain("10.41.0.1");
  expect(way("a0", "bb")).toContain("10.48.0.1");
  expect(way("name=a0,gw-priority=1", "aa")).toContain("10.48.0.1");
  must(engine, ["network", "rm", "a0"]);
});

test("an interface that can't be configured is taken away again", () => {
  must(engine, ["run", "-d", "--name", "one", ...idle]);
  const sysctl = "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.no_such_thing=1";
  const shown = (): string => execute(engine, "one", "ls /sys/class/net; cat /etc/resolv.conf");
  const before = shown();
  const refused = command(engine, ["network", "connect", "--driver-opt", sysctl, "aa", "one"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("no_such_thing");
  expect(shown()).toBe(before);
  must(engine, ["network", "connect", "--alias", "itself", "aa", "one"]);
  expect(shown()).toContain("nameserver 127.0.0.11\n");
  expect(execute(engine, "one", "nslookup -type=a itself 127.0.0.11")).toContain("10.41.0.");
});

test("connect of a container that is stopped counts when it starts, and stays over a restart", () => {
  must(engine, ["create", "--name", "later", "--network", "bb", ...idle]);
  must(engine, ["network", "connect", "--ip", "10.41.0.7", "aa", "later"]);
  must(engine, ["start", "later"]);
  expect(links("later").links).toContainEqual(expect.stringContaining("10.41.0.7/24"));
  must(engine, ["restart", "-t", "0", "later"]);
  expect(links("later").links).toContainEqual(expect.stringContaining("10.41.0.7/24"));
});

test("events of a container's life on networks", async () => {
  const begin = Date.now() / 1000;
  must(engine, ["network", "create", "brief"]);
  must(engine, ["run", "--rm", "--network", "brief", "busybox", "true"]);
  must(engine, ["network", "rm", "brief"]);
  expect(await events(begin)).toEqual([
    "create brief bridge",
    "connect brief bridge container",
    "disconnect brief bridge container",
    "destroy brief bridge",
  ]);
});

test("who is on a network is seen, keeps it, and is told", async () => {
  must(engine, ["run", "-d", "--name", "user", "--network", "bb", "--ip", "10.42.0.7", ...idle]);
  const { Containers } = await place.call<{ Containers: Record<string, Record<string, string>> }>(
    "GET",
    "/networks/bb",
  );
  const { Id } = await inspected("user");
  expect(Containers[Id]).toMatchObject({ Name: "user", IPv4Address: "10.42.0.7/24", IPv6Address: "" });
  const refused = command(engine, ["network", "rm", "bb"]);
  expect(refused.stderr.replace(/id:"[0-9a-f]{12}"/, "ID")).toStartWith(
    'Error response from daemon: error while removing network: network bb has active endpoints (name:"user" ID)\n',
  );
  const refusals: readonly (readonly [args: readonly string[], text: string])[] = [
    [["network", "disconnect", "aa", "user"], `container ${Id} is not connected to network aa`],
    [["network", "connect", "bb", "user"], "endpoint with name user already exists in network bb"],
    [
      ["network", "connect", "host", "user"],
      "cannot connect container to host network - container must be created in host network mode",
    ],
    [["network", "connect", "aa", "nobody"], "No such container: nobody"],
    [["network", "connect", "nowhere", "user"], "network nowhere not found"],
    [["network", "rm", "bridge"], "bridge is a pre-defined network and cannot be removed"],
    [
      ["network", "connect", "--ip", "10.99.0.1", "aa", "user"],
      "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.99.0.1",
    ],
    [["network", "connect", "--ip", "10.41.0.1", "aa", "user"], "Address already in use"],
  ];
  for (const [args, text] of refusals) {
    const { code, stderr } = command(engine, args);
    expect([args.join(" "), code, stderr]).toEqual([args.join(" "), 1, expect.stringContaining(text)]);
  }
  // What was refused has left nothing.
  expect(links("user").links).toEqual(["eth0 10.42.0.7/24"]);
});

test("prune takes the networks that nobody who runs is on", () => {
  for (const name of ["used", "unused", "kept"])
    must(engine, ["network", "create", ...(name === "kept" ? ["--label", "keep"] : []), name]);
  must(engine, ["run", "-d", "--network", "used", ...idle]);
  for (const name of ["aa", "bb", "shut"]) must(engine, ["run", "-d", "--network", name, ...idle]);
  const said = must(engine, ["network", "prune", "-f", "--filter", "label!=keep"]);
  expect(said.trim()).toBe("Deleted Networks:\nunused");
  expect(must(engine, ["network", "ls", "--format", "{{.Name}}"]).split("\n").sort()).toEqual([
    "aa",
    "bb",
    "bridge",
    "host",
    "kept",
    "none",
    "shut",
    "used",
  ]);
  must(engine, ["network", "rm", "kept"]);
});
