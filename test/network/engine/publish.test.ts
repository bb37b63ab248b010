/**
 * Published ports: ranges, random ports, conflicts and how they are told, when a port is free again, and the proxies.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, eventually, must, removeAll } from "../../support/containers.ts";
import { TestEngine } from "../../support/engine.ts";
import { perlPath } from "../../support/scripts.ts";
import { proxiesOf } from "./left.ts";
import { LAN, NetworkPlace } from "./place.ts";

let engine: TestEngine;
let place: NetworkPlace;

beforeAll(async () => {
  engine = await TestEngine.start();
  place = await NetworkPlace.around(engine);
}, 60_000);

afterEach(() => removeAll(engine));

afterAll(() => place[Symbol.asyncDispose]());

const idle = ["busybox", "sleep", "1000"];

/** What the elements of the firewall's map or set are. */
function elements(name: string): string {
  const text = place.host.sh(`nft list map inet caisson ${name}`);
  return (/elements = \{([^}]*)\}/.exec(text)?.[1] ?? "").replaceAll(/\s+/g, " ").trim();
}

test("10,000 ports are one element of each family, and lead one to one", async () => {
  const range = "20000-29999";
  must(engine, [
    "run",
    "-d",
    "--name",
    "many",
    "-p",
    `${range}:${range}`,
    "-p",
    `${range}:${range}/udp`,
    ...idle,
  ]);
  expect(elements("any-range4").split(", ").sort()).toEqual(
    ["tcp", "udp"].map((protocol) => `${protocol} . ${range} : ${addressOf("many")}`),
  );
  const inside = await place.inside("many");
  for (const port of [20000, 24321, 29999]) await inside.serve(port);
  for (const port of [20000, 24321, 29999]) {
    expect(await place.neighbour.tcp(LAN.host, port)).toBe(`${LAN.neighbour} at ${port}`);
    expect(await place.neighbour.udp(LAN.host, port)).toBe(`${LAN.neighbour} at ${port}`);
    expect(await place.host.tcp("::1", port)).toEndWith(` at ${port}`);
  }
  expect(await place.neighbour.tcp(LAN.host, 30000)).toBe("ECONNREFUSED");
  must(engine, ["rm", "-f", "many"]);
  expect(elements("any-range4")).toBe("");
});

test("a range that is shifted, and one of a few ports", async () => {
  must(engine, [
    "run",
    "-d",
    "--name",
    "shifted",
    "-p",
    "6000-6099:7000-7099",
    "-p",
    "6200-6202:80-82",
    ...idle,
  ]);
  const inside = await place.inside("shifted");
  for (const port of [7000, 7099, 81]) await inside.serve(port);
  expect(await place.neighbour.tcp(LAN.host, 6000)).toBe(`${LAN.neighbour} at 7000`);
  expect(await place.neighbour.tcp(LAN.host, 6099)).toBe(`${LAN.neighbour} at 7099`);
  expect(await place.neighbour.tcp(LAN.host, 6201)).toBe(`${LAN.neighbour} at 81`);
  expect(must(engine, ["port", "shifted", "7099"]).split("\n").sort()).toEqual(["0.0.0.0:6099", "[::]:6099"]);
});

test("ports far from each other, each with a proxy, as many as there are", async () => {
  const flags = Array.from({ length: 150 }, (_, i) => ["-p", `${10_000 + 2 * i}:${1000 + i}`]).flat();
  must(engine, ["run", "-d", "--name", "scattered", ...flags, ...idle]);
  const inside = await place.inside("scattered");
  await inside.serve(1149);
  expect(await place.neighbour.tcp(LAN.host, 10_298)).toBe(`${LAN.neighbour} at 1149`);
  expect(proxiesOf(engine)).toHaveLength(300);
});

test("random ports: the same for both families, another one for each", async () => {
  must(engine, ["run", "-d", "--name", "one", "-p", "80", "-p", "81", "--expose", "82", ...idle]);
  must(engine, ["run", "-d", "--name", "two", "-P", "--expose", "80", "--expose", "90-91", ...idle]);
  const all = ["one 80", "one 81", "two 80", "two 90", "two 91"].map((which) => {
    const [ipv4 = "", ipv6 = ""] = must(engine, ["port", ...which.split(" ")]).split("\n");
    expect(ipv4.replace("0.0.0.0:", "")).toBe(ipv6.replace("[::]:", ""));
    return Number(ipv4.replace("0.0.0.0:", ""));
  });
  expect(new Set(all).size).toBe(5);
  const [first = 0, last = 0] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")
    .split(/\s+/)
    .map(Number);
  for (const port of all) {
    expect(port).toBeGreaterThanOrEqual(first);
    expect(port).toBeLessThanOrEqual(last);
  }
  expect(command(engine, ["port", "one", "82"]).stderr).toContain("o public port '82' published for one");
});

function addressOf(container: string): string {
  return must(engine, ["inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", container]);
}

/** The error of a container that can't be published, its endpoint's id taken out. */
function refusal(...flags: string[]): string {
  const { code, stderr } = command(engine, ["run", "--name", "refused", ...flags, "busybox", "true"]);
  expect(code).toBe(125);
  return (stderr.split("\n")[0] ?? "").replace(/\([0-9a-f]{64}\)/, "(ID)");
}

const beginning =
  "docker: Error response from daemon: failed to set up container networking: " +
  "driver failed programming external connectivity on endpoint refused (ID): ";

test("a port that another container has", async () => {
  must(engine, ["run", "-d", "-p", "8083:80", "-p", "127.0.0.1:8084:80", ...idle]);
  expect(refusal("-p", "8083:81")).toBe(
    `${beginning}Bind for 0.0.0.0:8083 failed: port is already allocated`,
  );
  const inspected = must(engine, [
    "inspect",
    "-f",
    "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}",
    "refused",
  ]);
  expect(inspected).toStartWith(
    "created 128 failed to set up container networking: driver failed programming",
  );
  must(engine, ["rm", "refused"]);
  expect(refusal("-p", "127.0.0.1:8083:81")).toBe(
    `${beginning}Bind for 0.0.0.0:8083 failed: port is already allocated`,
  );
  must(engine, ["rm", "refused"]);
  // At another address it is another port; the other protocol's as well.
  must(engine, ["run", "-d", "-p", `${LAN.host}:8084:80`, "-p", "8083:80/udp", ...idle]);
});

test("a port that somebody else listens on", async () => {
  await place.host.serve(8095, LAN.host);
  expect(refusal("-p", "8095:80")).toMatch(
    /failed to bind host port for 0\.0\.0\.0:8095:172\.17\.0\.\d+:80\/tcp: address already in use$/,
  );
  must(engine, ["rm", "refused"]);
  // No socket is bound for a range: the kernel is asked who listens.
  expect(refusal("-p", "8090-8110:90-110")).toMatch(
    /failed to bind host port for 0\.0\.0\.0:8095:172\.17\.0\.\d+:95\/tcp: address already in use$/,
  );
  must(engine, ["rm", "refused"]);
  must(engine, ["run", "-d", "-p", "127.0.0.1:8090-8110:90-110", ...idle]);
  // And what was refused has left nothing behind.
  must(engine, ["run", "-d", "--name", "free", "-p", "8196:80", ...idle]);
  expect(proxiesOf(engine)).toHaveLength(2);
});

/** Whether the kernel has SCTP. */
const hasSctp = spawnSync(perlPath, ["-e", "socket(my $s, 2, 1, 132) or exit 1"]).status === 0;

test("SCTP is published where the kernel has it, and refused in Docker's words where it hasn't", async () => {
  if (!hasSctp) {
    const lacking = `${beginning}error starting userland proxy: failed to listen on 0.0.0.0:9000: protocol not supported`;
    expect(refusal("-p", "9000:90/sctp")).toBe(lacking);
    must(engine, ["rm", "refused"]);
    expect(refusal("-p", "8980-9000:90-110/sctp")).toContain(": protocol not supported");
    must(engine, ["rm", "refused"]);
    return;
  }
  must(engine, ["run", "-d", "--name", "sctp", "-p", "9000:90/sctp", ...idle]);
  expect(elements("any4")).toBe(`sctp . 9000 : ${addressOf("sctp")} . 90`);
  expect(refusal("-p", "9000:91/sctp")).toContain("Bind for 0.0.0.0:9000 failed: port is already allocated");
});

test("a range of SCTP is an element, too, and its ports are taken", async () => {
  await using other = await TestEngine.start("--userland-proxy=false");
  await using elsewhere = await NetworkPlace.around(other);
  must(other, ["run", "-d", "--name", "sctp", "-p", "9100-9120:9100-9120/sctp", ...idle]);
  expect(elsewhere.host.sh("nft list map inet caisson any-range4")).toContain(
    "sctp . 9100-9120 : 172.17.0.2",
  );
  expect(must(other, ["port", "sctp", "9105/sctp"])).toBe("0.0.0.0:9105");
  expect(must(other, ["ps", "--format", "{{.Ports}}"])).toBe("0.0.0.0:9100-9120->9100-9120/sctp");
  must(other, ["run", "-d", "-p", "9105:80/udp", ...idle]);
  expect(command(other, ["run", "-d", "-p", "9105:80/sctp", ...idle]).stderr).toContain(
    "Bind for 0.0.0.0:9105 failed: port is already allocated",
  );
});

test("what comes by IPv6 to a range of datagrams: a container with an address of its own gets it", async () => {
  must(engine, ["network", "create", "--ipv6", "dual"]);
  must(engine, [
    "run",
    "-d",
    "--name",
    "dual",
    "--network",
    "dual",
    "-p",
    "6400-6420:6400-6420/udp",
    ...idle,
  ]);
  must(engine, ["run", "-d", "--name", "four", "-p", "6500-6520:6500-6520/udp", ...idle]);
  must(engine, ["run", "-d", "--name", "each", "-p", "[::1]:6600-6620:6600-6620/udp", ...idle]);
  expect(must(engine, ["port", "dual", "6400/udp"]).split("\n").sort()).toEqual([
    "0.0.0.0:6400",
    "[::]:6400",
  ]);
  expect(must(engine, ["port", "four", "6500/udp"])).toBe("0.0.0.0:6500");
  expect(proxiesOf(engine)).toHaveLength(21);
  for (const [name, port] of [
    ["dual", 6405],
    ["four", 6505],
    ["each", 6605],
  ] as const)
    await (await place.inside(name)).serve(port);
  expect(await place.neighbour.udp(LAN.host6, 6405)).toBe(`${LAN.neighbour6} at 6405`);
  expect(await place.neighbour.udp(LAN.host, 6505)).toBe(`${LAN.neighbour} at 6505`);
  expect(await place.host.udp("::1", 6605)).toEndWith(" at 6605");
  must(engine, ["rm", "-f", "dual"]);
  must(engine, ["network", "rm", "dual"]);
});

test("a port is free as soon as its container has stopped, or is removed", () => {
  for (let i = 0; i < 50; i++) must(engine, ["run", "--rm", "-p", "8085:80", "busybox", "true"]);
  for (let i = 0; i < 5; i++) {
    must(engine, ["run", "-d", "--name", `next${i}`, "-p", "8085:80", ...idle]);
    must(engine, i % 2 === 0 ? ["stop", "-t", "0", `next${i}`] : ["rm", "-f", `next${i}`]);
  }
});

test("proxies show what docker-proxy shows", async () => {
  must(engine, [
    "network",
    "create",
    "--ipv6",
    "--subnet",
    "10.99.0.0/24",
    "--subnet",
    "fd00:99::/64",
    "dual",
  ]);
  must(engine, ["run", "-d", "--name", "c1", "-p", "8081:80", "-p", "127.0.0.1:8082:81/udp", ...idle]);
  must(engine, [
    "run",
    "-d",
    "--name",
    "c2",
    "--network",
    "dual",
    "--ip",
    "10.99.0.7",
    "-p",
    "8083:80",
    ...idle,
  ]);
  const c1 = addressOf("c1");
  const shown = proxiesOf(engine).map((text) => text.slice(text.indexOf(" ") + 1));
  expect(shown.sort()).toEqual(
    [
      `-proto tcp -host-ip 0.0.0.0 -host-port 8081 -container-ip ${c1} -container-port 80 -use-listen-fd`,
      `-proto tcp -host-ip :: -host-port 8081 -container-ip ${c1} -container-port 80 -use-listen-fd`,
      `-proto udp -host-ip 127.0.0.1 -host-port 8082 -container-ip ${c1} -container-port 81 -use-listen-fd`,
      "-proto tcp -host-ip 0.0.0.0 -host-port 8083 -container-ip 10.99.0.7 -container-port 80 -use-listen-fd",
      "-proto tcp -host-ip :: -host-port 8083 -container-ip fd00:99::2 -container-port 80 -use-listen-fd",
    ].sort(),
  );
  must(engine, ["rm", "-f", "c1", "c2"]);
  expect(proxiesOf(engine)).toEqual([]);
  must(engine, ["network", "rm", "dual"]);
});

test("without proxies there are none, and yet nobody else gets a published port", async () => {
  await using other = await TestEngine.start("--userland-proxy=false");
  await using elsewhere = await NetworkPlace.around(other);
  must(other, [
    "run",
    "-d",
    "--name",
    "web",
    "-p",
    "8080:80",
    "-p",
    "127.0.0.1:8081:81",
    "-p",
    "8082:82/udp",
    ...idle,
  ]);
  expect(proxiesOf(other)).toEqual([]);
  const inside = await elsewhere.inside("web");
  for (const port of [80, 81]) await inside.serve(port);
  expect(await elsewhere.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  expect(await elsewhere.host.tcp("127.0.0.1", 8081)).toBe("172.17.0.1 at 81");
  expect(await elsewhere.neighbour.tcp(LAN.host, 8081)).toBe("ECONNREFUSED");
  const listening = elsewhere.host.sh("ss -Hlntu | awk '{print $1, $5}'").trim().split("\n").sort();
  expect(listening).toEqual(["tcp 0.0.0.0:8080", "tcp 127.0.0.1:8081", "udp 0.0.0.0:8082"]);
  for (const port of [8080, 8081]) {
    const refused = await elsewhere.host.serve(port, "127.0.0.1").catch(String);
    expect(refused).toMatch(/EADDRINUSE|in use/);
  }
  must(other, ["rm", "-f", "web"]);
  expect(elsewhere.host.sh("ss -Hlnt")).toBe("");
});

test("another proxy gets docker-proxy's arguments and descriptors", async () => {
  const folder = mkdtempSync(join(tmpdir(), "caisson-proxy."));
  try {
    const script = join(folder, "proxy");
    const record = join(folder, "record");
    writeFileSync(
      script,
      `#!/bin/sh\n{ echo "$@"; for i in 3 4; do readlink /proc/$$/fd/$i; done; ls /proc/$$/fd | wc -l; } >${record}.$$\n` +
        `mv ${record}.$$ ${record}\nexec sleep 1000\n`,
    );
    chmodSync(script, 0o755);
    await using other = await TestEngine.start(`--userland-proxy-path=${script}`);
    await using elsewhere = await NetworkPlace.around(other);
    must(other, ["run", "-d", "-p", "127.0.0.1:8080:80", ...idle]);
    const text = await eventually("the proxy's record", () => {
      try {
        return readFileSync(record, "utf8");
      } catch {
        return undefined;
      }
    });
    const [args, status, listener] = text.split("\n");
    expect(args).toBe(
      "-proto tcp -host-ip 127.0.0.1 -host-port 8080 -container-ip 172.17.0.2 -container-port 80 -use-listen-fd",
    );
    expect(status).toMatch(/^(pipe:|\/dev\/null)/);
    expect(listener).toStartWith("socket:");
    expect(elsewhere.host.sh("ss -Hlnt | awk '{print $4}'").trim()).toBe("127.0.0.1:8080");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
