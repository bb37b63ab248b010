/**
 * Names of containers, asked for in containers: who finds whom under which name, with the engine there and gone; and the
 * files that say where names are asked for.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, execute, must } from "../../support/containers.ts";
import { TestEngine } from "../../support/engine.ts";
import { LAN, NetworkPlace } from "./place.ts";

let engine: TestEngine;
let place: NetworkPlace;
let upstream: ChildProcess;
/** Names that the host's name server was asked for. */
const asked: string[] = [];

beforeAll(async () => {
  engine = await TestEngine.startWithMounts();
  place = await NetworkPlace.around(engine);
  // The host's name server is the neighbour.
  const file = join(engine.directory, "resolv.conf");
  writeFileSync(file, `nameserver ${LAN.neighbour}\n`);
  expect(engine.runInside("mount", ["--bind", file, "/etc/resolv.conf"]).stderr).toBe("");
  const program = join(import.meta.dir, "../../support/dns-upstream.ts");
  const enter = ["-t", String(place.neighbour.pid), "-n", process.execPath, program, LAN.neighbour];
  upstream = spawn("nsenter", enter, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve) => {
    upstream.stdout?.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split("\n")) {
        if (line === "ready") resolve();
        else asked.push((JSON.parse(line) as { name: string }).name);
      }
    });
  });
  must(engine, ["network", "create", "--subnet", "10.99.0.0/24", "--ipv6", "--subnet", "fd00:99::/64", "n1"]);
  must(engine, ["network", "create", "--subnet", "10.98.0.0/24", "n2"]);
  must(engine, ["network", "create", "--subnet", "10.97.0.0/24", "--internal", "shut"]);
  const run = (name: string, ...flags: string[]): string =>
    must(engine, ["run", "-d", "--name", name, ...flags, "busybox", "sleep", "1000"]);
  run(
    "c2",
    "--network",
    "n1",
    "--network-alias",
    "al",
    "--hostname",
    "hh",
    "--ip",
    "10.99.0.7",
    "--ip6",
    "fd00:99::7",
  );
  must(engine, ["network", "connect", "--alias", "foo", "--ip", "10.98.0.7", "n2", "c2"]);
  run("asker", "--network", "n1", "--link", "c2:linked", "--ip", "10.99.0.8", "--ip6", "fd00:99::8");
  run("c3", "--network", "n2", "--network-alias", "al", "--ip", "10.98.0.8");
  run("hidden1", "--network", "shut", "--ip", "10.97.0.7");
  run("hidden2", "--network", "shut");
}, 60_000);

afterAll(async () => {
  upstream.kill();
  await place[Symbol.asyncDispose]();
});

/** Addresses that a container gets for a name, in the order of the texts; or why not: `NXDOMAIN`, `SERVFAIL`. */
function lookUp(container: string, name: string, type = "a"): string {
  const text = execute(engine, container, `nslookup -type=${type} ${name} 127.0.0.11 2>&1 || true`);
  const [, failed] = /can't find .*: (\w+)/.exec(text) ?? [];
  if (failed !== undefined && !text.includes("No answer")) return failed;
  const answers = text
    .split("\n")
    .slice(3)
    .flatMap((line) => /^Address(?: \d+)?:\s*(\S+)/.exec(line)?.[1] ?? /name = (\S+)/.exec(line)?.[1] ?? []);
  return answers.sort().join(" ");
}

test.each([
  ["asker", "c2", "10.99.0.7"],
  ["asker", "C2", "10.99.0.7"],
  ["asker", "al", "10.99.0.7"],
  ["asker", "hh", "10.99.0.7"],
  ["asker", "linked", "10.99.0.7"],
  ["asker", "c2.n1", "10.99.0.7"],
  ["asker", "asker", "10.99.0.8"],
  // The alias is of the other network.
  ["asker", "foo", "10.9.0.2"],
  ["asker", "c3", "10.9.0.2"],
  ["c3", "foo", "10.98.0.7"],
  ["c3", "c2", "10.98.0.7"],
  ["c3", "al", "10.98.0.8"],
  ["c3", "linked", "10.9.0.2"],
  // On both, the asker finds both.
  ["c2", "c3", "10.98.0.8"],
  ["c2", "asker", "10.99.0.8"],
  ["c2", "c2.n2", "10.98.0.7"],
  ["hidden2", "hidden1", "10.97.0.7"],
])("%s asks for %s", (container, name, answer) => {
  // The neighbour answers what is not known here with an address that ends like its own.
  expect(lookUp(container, name).replace(/^.*\.2$/, "10.9.0.2")).toBe(answer);
});

test("by short id, IPv6, and backwards", () => {
  const id = must(engine, ["inspect", "-f", "{{.Id}}", "c2"]).slice(0, 12);
  expect(lookUp("asker", id)).toBe("10.99.0.7");
  expect(lookUp("asker", "c2", "aaaa")).toBe("fd00:99::7");
  expect(lookUp("c3", "c2", "aaaa")).toBe("");
  expect(lookUp("asker", "7.0.99.10.in-addr.arpa", "ptr")).toBe("c2.n1");
  const reversed = `7.${"0.".repeat(23)}9.9.0.0.0.0.d.f.ip6.arpa`;
  expect(lookUp("asker", reversed, "ptr")).toBe("c2.n1");
});

/** Asks for a name that the host's server is asked for; what it was asked for until then, without that. */
async function askedUntilNow(): Promise<string[]> {
  const marker = `nx.marker${Math.random()}.example.com`;
  lookUp("asker", marker);
  await eventually("the host's server tells of the marker", () =>
    asked.includes(marker) ? true : undefined,
  );
  const names = new Set(asked.filter((name) => !name.startsWith("nx.marker")));
  asked.length = 0;
  return [...names].sort();
}

test("what nobody knows here is asked of the host's server, local names are not", async () => {
  await askedUntilNow();
  expect(lookUp("asker", "nx.example.com")).toBe("NXDOMAIN");
  expect(lookUp("asker", "c2")).toBe("10.99.0.7");
  expect(lookUp("asker", "servfail.example.com")).toBe("SERVFAIL");
  expect(await askedUntilNow()).toEqual(["nx.example.com", "servfail.example.com"]);
});

test("from an internal network nothing is asked outside", async () => {
  await askedUntilNow();
  expect(lookUp("hidden2", "www.example.com")).toBe("SERVFAIL");
  expect(await askedUntilNow()).toEqual([]);
});

test("a name changes with rename, start and stop", async () => {
  must(engine, ["rename", "c3", "c4"]);
  expect(lookUp("c2", "c4")).toBe("10.98.0.8");
  // What was its name is the host's server's business again.
  expect(lookUp("c2", "c3")).not.toBe("10.98.0.8");
  must(engine, ["stop", "-t", "0", "c4"]);
  expect(lookUp("c2", "c4")).not.toBe("10.98.0.8");
  must(engine, ["start", "c4"]);
  expect(lookUp("c2", "c4")).toBe("10.98.0.8");
  must(engine, ["rename", "c4", "c3"]);
});

test("names are answered while the engine is gone, and after another one has come", async () => {
  const pid = Number(must(engine, ["inspect", "-f", "{{.State.Pid}}", "asker"]));
  const within = (name: string): string =>
    place.host.sh(
      `nsenter -t ${pid} -n -m -r -w/ /bin/busybox nslookup -type=a ${name} 127.0.0.11 | awk '/^Address/ {a = $NF} END {print a}'`,
    );
  expect(within("c2")).toBe("10.99.0.7\n");
  await engine.kill();
  try {
    for (let i = 0; i < 5; i++) expect(within("c2")).toBe("10.99.0.7\n");
    expect(within("www.example.com")).toEndWith(".2\n");
  } finally {
    await engine.resume();
  }
  for (let i = 0; i < 5; i++) expect(within("al")).toBe("10.99.0.7\n");
  must(engine, [
    "run",
    "-d",
    "--name",
    "later",
    "--network",
    "n1",
    "--ip",
    "10.99.0.99",
    "busybox",
    "sleep",
    "1000",
  ]);
  expect(within("later")).toBe("10.99.0.99\n");
  must(engine, ["rm", "-f", "later"]);
  expect(within("later")).not.toBe("10.99.0.99\n");
});

const hostsHead = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;
const resolvHead = `# Generated by Docker Engine.
# This file can be edited; Docker Engine will not make further changes once it
# has been modified.

`;

test("/etc/hosts and resolv.conf are dockerd's, line by line", () => {
  const file = (container: string, path: string): string =>
    `${execute(engine, container, `cat ${path}; echo .`).replace(/\n\.$/, "")}\n`;
  expect(file("c2", "/etc/hosts")).toBe(`${hostsHead}10.99.0.7\thh\nfd00:99::7\thh\n10.98.0.7\thh\n`);
  expect(file("c2", "/etc/resolv.conf")).toBe(
    `${resolvHead}nameserver 127.0.0.11
options ndots:0

# Based on host file: '/etc/resolv.conf' (internal resolver)
# ExtServers: [host(${LAN.neighbour})]
# Overrides: []
# Option ndots from: internal
`,
  );
  const plain = must(engine, ["run", "-d", "busybox", "sleep", "1000"]);
  const address = must(engine, ["inspect", "-f", "{{.NetworkSettings.IPAddress}}", plain]);
  expect(file(plain, "/etc/hosts")).toBe(`${hostsHead}${address}\t${plain.slice(0, 12)}\n`);
  expect(file(plain, "/etc/resolv.conf")).toBe(
    `${resolvHead}nameserver ${LAN.neighbour}

# Based on host file: '/etc/resolv.conf' (legacy)
# Overrides: []
`,
  );
  must(engine, ["rm", "-f", plain]);
});

test("the host's resolv.conf of the day is a container's when it is started", () => {
  const file = join(engine.directory, "resolv.conf");
  const flags = (name: string, network: string): string[] => ["--name", name, "--network", network];
  for (const [name, network] of [
    ["on-bridge", "bridge"],
    ["on-n1", "n1"],
    ["on-none", "none"],
  ] as const)
    must(engine, ["run", "-d", ...flags(name, network), "busybox", "sleep", "1000"]);
  must(engine, ["create", ...flags("late", "bridge"), "busybox", "sleep", "1000"]);
  must(engine, ["create", ...flags("both", "bridge"), "busybox", "sleep", "1000"]);
  must(engine, ["network", "connect", "n2", "both"]);
  const shown = (container: string): string =>
    execute(engine, container, "grep -E '^(nameserver|search)' /etc/resolv.conf").replaceAll("\n", ", ");
  const before = readFileSync(file, "utf8");
  try {
    writeFileSync(file, "nameserver 10.255.0.9\nsearch vpn\n");
    // One that runs keeps what it began with, as in Docker.
    expect(shown("on-bridge")).toBe(`nameserver ${LAN.neighbour}`);
    must(engine, ["restart", "-t", "0", "on-bridge", "on-n1", "on-none"]);
    must(engine, ["start", "late", "both"]);
    expect(["on-bridge", "on-none", "late", "on-n1", "both"].map(shown)).toEqual([
      "nameserver 10.255.0.9, search vpn",
      "nameserver 10.255.0.9, search vpn",
      "nameserver 10.255.0.9, search vpn",
      "nameserver 127.0.0.11, search vpn",
      "nameserver 127.0.0.11, search vpn",
    ]);
  } finally {
    writeFileSync(file, before);
    must(engine, ["rm", "-f", "on-bridge", "on-n1", "on-none", "late", "both"]);
  }
});

test("the resolver is one process, and goes with the last container that asks", async () => {
  const path = join(engine.execRoot, "dns/pid");
  const pid = readFileSync(path, "utf8").trim();
  expect(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")).toContain("resolver");
  must(engine, ["rm", "-f", "c2", "c3", "asker", "hidden1", "hidden2"]);
  await eventually(
    "the resolver's end",
    () => {
      try {
        process.kill(Number(pid), 0);
        return undefined;
      } catch {
        return true;
      }
    },
    40,
  );
});
