/**
 * The firewall beside the host's own: DOCKER-USER, a FORWARD that drops, rules for INPUT, and what is left behind.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Executors } from "../../src/kernel/mod.ts";
import {
  Firewall,
  networkElements,
  portElements,
  type FirewallNetwork,
} from "../../src/network/firewall/mod.ts";
import { NetworkHost } from "./world.ts";

const HOST = "10.9.0.1";
const network: FirewallNetwork = {
  options: {
    bridge: "br1",
    masquerade4: true,
    masquerade6: true,
    icc: true,
    gatewayMode4: "nat",
    gatewayMode6: "nat",
    hostBinding4: "0.0.0.0",
    inhibitIPv4: false,
    trustedInterfaces: [],
    interfacePrefix: "eth",
  },
  subnets: ["172.30.1.0/24"],
  internal: false,
  directRouting: false,
};
const single = {
  protocol: "tcp",
  hostAddress: "0.0.0.0",
  hostPort: 8080,
  containerPort: 80,
  count: 1,
} as const;
const range = { ...single, hostPort: 9000, containerPort: 9000, count: 100, proxyPort: 7001 } as const;
const ports = [single, range].map((port) => ({ ...port, containerAddress: "172.30.1.2" }));
const elements = [...networkElements(network), ...portElements(network, ports)];

let host: NetworkHost;
let neighbour: NetworkHost;
let container: NetworkHost;
let executors: Executors & Disposable;
let firewall: Firewall | undefined;

beforeAll(async () => {
  [host, neighbour, container] = (await Promise.all([1, 2, 3].map(() => new NetworkHost().ready()))) as [
    NetworkHost,
    NetworkHost,
    NetworkHost,
  ];
  host.cable(`eth0 ${HOST}/24`, neighbour, "eth0 10.9.0.2/24");
  host.sh("sysctl -qw net.ipv4.ip_forward=1; ip link add br1 type bridge");
  host.addresses("br1", ["172.30.1.1/24"]);
  host.sh("sysctl -qw net.ipv4.conf.br1.route_localnet=1");
  host.cable("v1", container, "eth0 172.30.1.2/24");
  host.sh("ip link set v1 master br1; ip link set v1 type bridge_slave hairpin on");
  container.sh("ip route add default via 172.30.1.1");
  await Promise.all([container.serve(80), container.serve(9042), neighbour.serve(7000), host.serve(8080)]);
  executors = host.executors();
}, 30_000);

afterEach(async () => {
  await firewall?.unload();
  firewall = undefined;
  host.sh("nft flush ruleset");
});

afterAll(() => {
  executors[Symbol.dispose]();
  for (const made of [host, neighbour, container]) made[Symbol.dispose]();
});

async function started(respectHostFirewall = false): Promise<Firewall> {
  firewall = new Firewall({ executor: () => executors.warm(), run: host.run, respectHostFirewall });
  await firewall.ensure([...networkElements(network), ...portElements(network, ports, respectHostFirewall)]);
  return firewall;
}

const foreign = (): string =>
  host.sh("{ iptables-save; ip6tables-save; nft list tables; } | sed '/^#/d; /caisson/d'");

test("rules of others are the same bytes before, while and after the engine runs", async () => {
  host.sh(
    "iptables -A FORWARD -i eth9 -j DROP; iptables -t nat -A PREROUTING -p tcp --dport 99 -j REDIRECT;" +
      "nft add table inet mine; nft add chain inet mine x '{ type filter hook input priority 0; }'",
  );
  const before = foreign();
  const all = host.sh("nft list ruleset");
  const running = await started();
  expect(foreign()).toBe(before);
  await running.unload();
  expect(host.sh("nft list ruleset")).toBe(all);
});

test("a FORWARD that drops, as ufw's does, lets containers through by one rule, which goes with the engine", async () => {
  host.sh("iptables -P FORWARD DROP; iptables -A FORWARD -i eth9 -j DROP");
  const before = foreign();
  const running = await started();
  expect(await neighbour.tcp(HOST, 8080)).toBe("10.9.0.2 at 80");
  expect(await container.tcp("10.9.0.2", 7000)).toBe(`${HOST} at 7000`);
  await running.unload();
  expect(foreign()).toBe(before);
});

test("a FORWARD that drops decides where the host's rules are to be respected", async () => {
  host.sh("iptables -P FORWARD DROP");
  const before = foreign();
  await started(true);
  expect(foreign()).toBe(before);
  expect(await container.tcp("10.9.0.2", 7000)).toBe("silence");
});

test("DOCKER-USER is honoured where somebody made it, and FORWARD lets through what passes it", async () => {
  host.sh("iptables -P FORWARD DROP; iptables -N DOCKER-USER");
  const before = foreign();
  const running = await started();
  expect(running.honoursDockerUser).toBe(true);
  expect(await neighbour.tcp(HOST, 8080)).toBe("10.9.0.2 at 80");
  expect(await container.tcp("10.9.0.2", 7000)).toBe(`${HOST} at 7000`);
  // The mark is gone behind the chain.
  host.sh("iptables -t mangle -A POSTROUTING -m mark ! --mark 0 -j DROP");
  expect(await neighbour.tcp(HOST, 8080)).toBe("10.9.0.2 at 80");
  host.sh("iptables -t mangle -F; nft delete table ip mangle");
  host.sh("iptables -A DOCKER-USER -s 10.9.0.2 -j DROP");
  expect(await neighbour.tcp(HOST, 8080)).toBe("silence");
  host.sh("iptables -F DOCKER-USER");
  // Twice is once, and a reload that drops the rules is made good.
  const rules = host.sh("iptables -S FORWARD");
  await running.ensure(elements);
  expect(host.sh("iptables -S FORWARD")).toBe(rules);
  host.sh("iptables -F FORWARD");
  await running.ensure(elements);
  expect(host.sh("iptables -S FORWARD")).toBe(rules);
  await running.unload();
  expect(foreign()).toBe(before);
});

test("somebody else's jump to DOCKER-USER stays, and is the only one", async () => {
  host.sh(
    "iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A FORWARD -i eth9 -j DROP; iptables -A FORWARD -j DOCKER-USER",
  );
  const before = foreign();
  const running = await started();
  expect(host.sh("iptables -S FORWARD").match(/DOCKER-USER/g)).toHaveLength(1);
  expect(await neighbour.tcp(HOST, 8080)).toBe("10.9.0.2 at 80");
  await running.unload();
  expect(foreign()).toBe(before);
});

test("rules for INPUT decide about published ports when they are to be respected", async () => {
  host.sh("iptables -P INPUT DROP; iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT");
  await started();
  expect(await neighbour.tcp(HOST, 8080)).toBe("10.9.0.2 at 80");
  await firewall?.unload();
  await started(true);
  // What listens on the host's port stands for the proxy.
  expect(await neighbour.tcp(HOST, 8080)).toBe("silence");
  expect(await host.tcp("127.0.0.1", 8080)).toBe("172.30.1.1 at 80");
  expect(await container.tcp(HOST, 8080)).toBe("172.30.1.1 at 80");
  host.sh("iptables -A INPUT -p tcp --dport 8080 -j ACCEPT");
  expect(await neighbour.tcp(HOST, 8080)).toBe("10.9.0.2 at 8080");
});

test("a range is steered to its proxy's socket, past rules for the port that was asked for", async () => {
  const listener = host.transparent(7001);
  try {
    host.sh("iptables -P INPUT DROP; iptables -A INPUT -p tcp --dport 9042 -j ACCEPT");
    await started(true);
    await listener.ready;
    expect(await neighbour.tcp(HOST, 9042)).toBe("10.9.0.2 at 9042");
    expect(await neighbour.tcp(HOST, 9043)).toBe("silence");
  } finally {
    listener.end();
  }
});
