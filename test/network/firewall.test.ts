/**
 * Who reaches whom through the firewall, with real packets: a host with bridges, containers on them and a neighbour, each
 * in a network namespace of its own.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ProgramBuilder, type Executors, type Slot } from "../../src/kernel/mod.ts";
import {
  add,
  change,
  Firewall,
  FirewallObserver,
  forgetExchanges,
  linkElements,
  networkElements,
  openFirewall,
  portElements,
  remove,
  type Disturbance,
  type FirewallElement,
  type FirewallNetwork,
} from "../../src/network/firewall/mod.ts";
import { eventually } from "../support/containers.ts";
import { bridge, everywhere, port } from "./networks.ts";
import { NetworkHost } from "./world.ts";
import type { PublishedPort } from "../../src/network/types.ts";

const one = bridge(1);
const two = bridge(2);
const internal = bridge(3, {}, true);
const lonely = bridge(4, { icc: false });
const routed = bridge(5, { gatewayMode4: "routed", gatewayMode6: "routed" });
const unprotected = bridge(6, { gatewayMode4: "nat-unprotected", gatewayMode6: "nat-unprotected" });
const trusting = bridge(7, { trustedInterfaces: ["eth0"], hostIPv4: "10.9.0.100" });
const networks = [one, two, internal, lonely, routed, unprotected, trusting];

const HOST = "10.9.0.1";
const HOST6 = "fd09::1";

const hosts: NetworkHost[] = [];
let host: NetworkHost;
let neighbour: NetworkHost;
/** By network and host number: `1.2` is 172.30.1.2. */
const containers = new Map<string, NetworkHost>();
let executors: Executors & Disposable;
let firewall: Firewall;

async function newHost(): Promise<NetworkHost> {
  const made = new NetworkHost();
  hosts.push(made);
  return made.ready();
}

function container(name: string): NetworkHost {
  const found = containers.get(name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

async function perform(fill: (b: ProgramBuilder, socket: Slot) => void): Promise<void> {
  const b = new ProgramBuilder();
  const socket = b.slot("netfilter");
  openFirewall(b, socket);
  fill(b, socket);
  await executors.warm().fork(b.build());
}

const base = networks.flatMap(networkElements);

/** Lets `ports` be published in `network` while `body` runs. */
async function published(
  network: FirewallNetwork,
  ports: readonly PublishedPort[],
  body: () => Promise<void>,
): Promise<void> {
  const elements = portElements(network, ports);
  await perform((b, socket) => add(b, "publish", socket, elements));
  try {
    await body();
  } finally {
    await perform((b, socket) => remove(b, "unpublish", socket, elements));
  }
}

function listed(set: string): string {
  return host.sh(`nft list set inet caisson ${set} 2>/dev/null || nft list map inet caisson ${set}`);
}

beforeAll(async () => {
  [host, neighbour] = (await Promise.all([newHost(), newHost()])) as [NetworkHost, NetworkHost];
  host.cable(`eth0 ${HOST}/24 10.9.0.100/24 ${HOST6}/64`, neighbour, "eth0 10.9.0.2/24 fd09::2/64");
  host.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  neighbour.sh(`ip route add 172.30.0.0/16 via ${HOST}; ip route add fd30::/16 via ${HOST6}`);
  for (const index of networks.keys()) {
    const name = `br${index + 1}`;
    host.sh(`ip link add ${name} type bridge`);
    host.addresses(name, [`172.30.${index + 1}.1/24`, `fd30:${index + 1}::1/64`]);
    host.sh(`sysctl -qw net.ipv4.conf.${name}.route_localnet=1`);
  }
  const wanted = [
    [1, 2],
    [1, 3],
    [2, 2],
    [3, 2],
    [3, 3],
    [4, 2],
    [4, 3],
    [5, 2],
    [6, 2],
    [7, 2],
  ] as const;
  await Promise.all(
    wanted.map(async ([network, number]) => {
      const made = await newHost();
      containers.set(`${network}.${number}`, made);
      await Promise.all([80, 81, 8000, 8500, 17999].map((served) => made.serve(served)));
    }),
  );
  for (const [network, number] of wanted) {
    const made = container(`${network}.${number}`);
    host.cable(
      `v${network}-${number}`,
      made,
      `eth0 172.30.${network}.${number}/24 fd30:${network}::${number}/64`,
    );
    const end = `v${network}-${number}`;
    // Where the host's bridges are filtered (br_netfilter), a container reaches itself only by a port in this mode.
    host.sh(`ip link set ${end} master br${network}; ip link set ${end} type bridge_slave hairpin on`);
    made.sh(`ip route add default via 172.30.${network}.1; ip route add default via fd30:${network}::1`);
  }
  await Promise.all([host.serve(7000), neighbour.serve(7000)]);
  // Links have just come up: what is first sent to a neighbour by IPv6 may be lost, and a probe doesn't wait for a second try.
  const found = (from: NetworkHost, address: string, port: number): Promise<unknown> =>
    eventually(`a way to ${address}`, async () => (await from.tcp(address, port)) !== "silence");
  await found(neighbour, HOST6, 7000);
  await found(host, "fd09::2", 7000);
  for (const [network, number] of wanted) await found(host, `fd30:${network}::${number}`, 80);
  executors = host.executors();
  firewall = new Firewall({ executor: () => executors.warm(), run: host.run });
  expect(await firewall.ensure(base)).toBe("loaded");
}, 60_000);

afterAll(() => {
  executors[Symbol.dispose]();
  for (const made of hosts) made[Symbol.dispose]();
});

describe("a published port", () => {
  test("is reached from everywhere; who comes from outside keeps the own address", async () => {
    await published(one, everywhere(8080, 1, 2), async () => {
      const reached = {
        neighbour: await neighbour.tcp(HOST, 8080),
        neighbour6: await neighbour.tcp(HOST6, 8080),
        host: await host.tcp(HOST, 8080),
        host6: await host.tcp(HOST6, 8080),
        localhost: await host.tcp("127.0.0.1", 8080),
        bridge: await host.tcp("172.30.1.1", 8080),
        itself: await container("1.2").tcp(HOST, 8080),
        itself6: await container("1.2").tcp(HOST6, 8080),
        sibling: await container("1.3").tcp(HOST, 8080),
        sibling6: await container("1.3").tcp(HOST6, 8080),
        siblingByGateway: await container("1.3").tcp("172.30.1.1", 8080),
        other: await container("2.2").tcp(HOST, 8080),
        other6: await container("2.2").tcp(HOST6, 8080),
        withoutIcc: await container("4.2").tcp(HOST, 8080),
      };
      expect(reached).toEqual({
        neighbour: "10.9.0.2 at 80",
        neighbour6: "fd09::2 at 80",
        host: `${HOST} at 80`,
        host6: `${HOST6} at 80`,
        localhost: "172.30.1.1 at 80",
        bridge: "172.30.1.1 at 80",
        itself: "172.30.1.1 at 80",
        itself6: "fd30:1::1 at 80",
        sibling: "172.30.1.1 at 80",
        sibling6: "fd30:1::1 at 80",
        siblingByGateway: "172.30.1.1 at 80",
        other: "172.30.1.1 at 80",
        other6: "fd30:1::1 at 80",
        withoutIcc: "172.30.1.1 at 80",
      });
    });
  });

  test("is gone when it is unpublished, and then those of the host answer again", async () => {
    await published(one, everywhere(7000, 1, 2), async () => {
      expect(await neighbour.tcp(HOST, 7000)).toBe("10.9.0.2 at 80");
    });
    expect(await neighbour.tcp(HOST, 7000)).toBe("10.9.0.2 at 7000");
  });

  test("of 127.0.0.1 is for the host alone", async () => {
    // The neighbour sends packets for 127.0.0.1 here.
    neighbour.sh(
      "sysctl -qw net.ipv4.conf.all.route_localnet=1; ip rule del pref 0; ip rule add pref 100 lookup local;" +
        `ip rule add pref 50 lookup 9; ip route add 127.0.0.1 via ${HOST} dev eth0 src 10.9.0.2 table 9`,
    );
    host.sh("sysctl -qw net.ipv4.conf.all.route_localnet=1");
    try {
      await published(one, [port("127.0.0.1", 8080, "172.30.1.2", 80)], async () => {
        expect(await host.tcp("127.0.0.1", 8080)).toBe("172.30.1.1 at 80");
        expect(await neighbour.tcp(HOST, 8080)).toBe("ECONNREFUSED");
        expect(await host.tcp(HOST, 8080)).toBe("ECONNREFUSED");
        expect(await neighbour.tcp("127.0.0.1", 8080)).toBe("silence");
        // Without the rule that it is about, the packet would have arrived.
        const rule = host
          .sh("nft -a list chain inet caisson guard | sed -n 's/.*127.0.0.0.*handle //p'")
          .trim();
        host.sh(`nft delete rule inet caisson guard handle ${rule}`);
        expect(await neighbour.tcp("127.0.0.1", 8080)).toBe("10.9.0.2 at 80");
      });
    } finally {
      host.sh("sysctl -qw net.ipv4.conf.all.route_localnet=0");
      neighbour.sh("ip rule add pref 0 lookup local; ip rule del pref 50; ip rule del pref 100");
    }
    expect(await firewall.ensure(base)).toBe("loaded");
  });

  test("of one address is not at another", async () => {
    await published(one, [port("10.9.0.100", 8080, "172.30.1.2", 80)], async () => {
      expect(await neighbour.tcp("10.9.0.100", 8080)).toBe("10.9.0.2 at 80");
      expect(await neighbour.tcp(HOST, 8080)).toBe("ECONNREFUSED");
    });
  });

  test("of UDP leads to the new container at once, though packets went to the old one", async () => {
    const of = (address: string): PublishedPort[] => [
      { ...port("0.0.0.0", 5353, address, 80), protocol: "udp" },
    ];
    const socket =
      "python3 -c 'import socket,sys,time\n" +
      's=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("",4000)); s.settimeout(2)\n' +
      `s.sendto(b"?",("${HOST}",5353)); print(s.recv(99).decode(), s.getsockname()[1])'`;
    const before = portElements(one, of("172.30.1.2"));
    const after = portElements(one, of("172.30.1.3"));
    const seen = (): string => host.sh("nft list map inet caisson any4");
    await perform((b, s) => add(b, "publish", s, before));
    expect(neighbour.sh(socket)).toBe("10.9.0.2 at 80 4000\n");
    expect(seen()).toContain("udp . 5353 : 172.30.1.2 . 80");
    await perform((b, s) => {
      change(b, "move", s, before, after);
      forgetExchanges(b, s, of("172.30.1.3"));
    });
    container("1.2").sh("ip link set eth0 down");
    try {
      expect(neighbour.sh(socket)).toBe("10.9.0.2 at 80 4000\n");
    } finally {
      container("1.2").sh(
        "ip link set eth0 up; ip route add default via 172.30.1.1; ip -6 addr add fd30:1::2/64 dev eth0 nodad; ip -6 route add default via fd30:1::1",
      );
      await perform((b, s) => remove(b, "unpublish", s, after));
    }
  });
});

describe("a range of ports", () => {
  test("is one element in each family, and every port of it leads to the same one", async () => {
    await published(one, everywhere(8000, 1, 2, 8000, 10_000), async () => {
      expect(await neighbour.tcp(HOST, 8000)).toBe("10.9.0.2 at 8000");
      expect(await neighbour.tcp(HOST, 17_999)).toBe("10.9.0.2 at 17999");
      expect(await neighbour.tcp(HOST6, 8500)).toBe("fd09::2 at 8500");
      expect(await host.tcp("127.0.0.1", 8500)).toBe("172.30.1.1 at 8500");
      expect(listed("any-range4")).toContain("elements = { tcp . 8000-17999 : 172.30.1.2 }");
      expect(listed("any-range6")).toContain("elements = { tcp . 8000-17999 : fd30:1::2 }");
      expect(listed("any4")).not.toContain("elements");
    });
    expect(listed("any-range4")).not.toContain("elements");
  });

  test("with other ports in the container is an element for each of 10,000, all taken in one step", async () => {
    const ports = [port("0.0.0.0", 20_000, "172.30.1.2", 8000, 10_000)];
    await published(one, ports, async () => {
      expect(await neighbour.tcp(HOST, 20_000)).toBe("10.9.0.2 at 8000");
      expect(await neighbour.tcp(HOST, 20_500)).toBe("10.9.0.2 at 8500");
      expect(await neighbour.tcp(HOST, 29_999)).toBe("10.9.0.2 at 17999");
    });
    expect(listed("any4")).not.toContain("elements");
  });

  test("at [::1] is led to the proxy's one port", async () => {
    await published(one, [{ ...port("::1", 9000, "172.30.1.2", 9000, 100), proxyPort: 7000 }], async () => {
      expect(await host.tcp("::1", 9042)).toBe("::1 at 7000");
      expect(await neighbour.tcp(HOST6, 9042)).toBe("ECONNREFUSED");
    });
  });
});

describe("what isn't published", () => {
  test("is not reached by a container's own address, from outside or from another network", async () => {
    expect(await host.tcp("172.30.1.2", 80)).toBe("172.30.1.1 at 80");
    expect(await container("1.3").tcp("172.30.1.2", 80)).toBe("172.30.1.3 at 80");
    await published(one, everywhere(8080, 1, 2), async () => {
      expect(await neighbour.tcp("172.30.1.2", 80)).toBe("silence");
      expect(await neighbour.tcp("fd30:1::2", 80)).toBe("silence");
      expect(await container("2.2").tcp("172.30.1.2", 80)).toBe("silence");
      expect(await container("2.2").tcp("fd30:1::2", 80)).toBe("silence");
    });
    expect(await neighbour.tcp("172.30.1.1", 7000)).toBe("10.9.0.2 at 7000");
  });

  test("goes out with the host's address, or the one that was asked for", async () => {
    expect(await container("1.2").tcp("10.9.0.2", 7000)).toBe(`${HOST} at 7000`);
    expect(await container("1.2").tcp("fd09::2", 7000)).toBe(`${HOST6} at 7000`);
    expect(await container("1.2").udp("10.9.0.2", 7000)).toBe(`${HOST} at 7000`);
    expect(await container("7.2").tcp("10.9.0.2", 7000)).toBe("10.9.0.100 at 7000");
  });

  test("reaches the host, which sees the container's address", async () => {
    expect(await container("1.2").tcp("172.30.1.1", 7000)).toBe("172.30.1.2 at 7000");
    expect(await container("1.2").tcp(HOST, 7000)).toBe("172.30.1.2 at 7000");
  });
});

describe("a network", () => {
  test("that is internal has no way out and none in, but its host and its own", async () => {
    expect(await container("3.2").tcp("10.9.0.2", 7000)).toBe("silence");
    expect(await container("3.2").tcp("172.30.2.2", 80)).toBe("silence");
    expect(await container("3.2").tcp("172.30.3.3", 80)).toBe("172.30.3.2 at 80");
    expect(await container("3.2").tcp("172.30.3.1", 7000)).toBe("172.30.3.2 at 7000");
    expect(await neighbour.tcp("172.30.3.2", 80)).toBe("silence");
    expect(await container("2.2").tcp("fd30:3::2", 80)).toBe("silence");
    expect(await host.tcp("172.30.3.2", 80)).toBe("172.30.3.1 at 80");
    await published(one, everywhere(8080, 1, 2), async () => {
      expect(await container("3.2").tcp("172.30.3.1", 8080)).toBe("silence");
    });
  });

  test("without icc keeps its containers apart, but for links and published ports", async () => {
    expect(await container("4.2").tcp("172.30.4.3", 80)).toBe("silence");
    expect(await container("4.2").tcp("fd30:4::3", 80)).toBe("silence");
    const links = linkElements([{ from: "172.30.4.2", to: "172.30.4.3", protocol: "tcp", port: 80 }]);
    await perform((b, s) => add(b, "link", s, links));
    expect(await container("4.2").tcp("172.30.4.3", 80)).toBe("172.30.4.2 at 80");
    expect(await container("4.2").tcp("172.30.4.3", 81)).toBe("silence");
    expect(await container("4.3").tcp("172.30.4.2", 80)).toBe("silence");
    await perform((b, s) => remove(b, "unlink", s, links));
    expect(await container("4.2").tcp("172.30.4.3", 80)).toBe("silence");
    await published(lonely, everywhere(8081, 4, 3), async () => {
      expect(await container("4.2").tcp(HOST, 8081)).toBe("172.30.4.1 at 80");
    });
    expect(await container("4.2").tcp("10.9.0.2", 7000)).toBe(`${HOST} at 7000`);
  });

  test("that is routed lets in what is published, by the containers' addresses", async () => {
    await published(routed, everywhere(8080, 5, 2), async () => {
      expect(await neighbour.tcp("172.30.5.2", 80)).toBe("10.9.0.2 at 80");
      expect(await neighbour.tcp("fd30:5::2", 80)).toBe("fd09::2 at 80");
      expect(await neighbour.tcp("172.30.5.2", 81)).toBe("silence");
      expect(await neighbour.tcp(HOST, 8080)).toBe("ECONNREFUSED");
      expect(neighbour.sh("busybox ping -c 1 -W 2 172.30.5.2 >/dev/null && echo yes")).toBe("yes\n");
    });
    expect(await neighbour.tcp("172.30.5.2", 80)).toBe("silence");
    // Nothing is translated on the way out either: the neighbour knows the way back.
    expect(await container("5.2").tcp("10.9.0.2", 7000)).toBe("172.30.5.2 at 7000");
  });

  test("that is unprotected lets in everything, and is translated like any", async () => {
    await published(unprotected, everywhere(8080, 6, 2), async () => {
      expect(await neighbour.tcp("172.30.6.2", 81)).toBe("10.9.0.2 at 81");
      expect(await neighbour.tcp(HOST, 8080)).toBe("10.9.0.2 at 80");
      // Only to the LAN: another network's containers reach what is published, like everybody.
      expect(await container("1.2").tcp("172.30.6.2", 81)).toBe("silence");
      expect(await container("1.2").tcp(HOST, 8080)).toBe("172.30.6.1 at 80");
    });
    expect(await container("6.2").tcp("10.9.0.2", 7000)).toBe(`${HOST} at 7000`);
  });

  test("that trusts an interface lets in from there what is published", async () => {
    await published(trusting, everywhere(8080, 7, 2), async () => {
      expect(await neighbour.tcp("172.30.7.2", 80)).toBe("10.9.0.2 at 80");
      expect(await neighbour.tcp("172.30.7.2", 81)).toBe("silence");
      expect(await container("1.2").tcp("172.30.7.2", 80)).toBe("silence");
    });
  });
});

describe("the table", () => {
  test("has the elements that nft itself would have made of their texts", async () => {
    const ports = [
      ...everywhere(8080, 7, 2),
      ...everywhere(8000, 7, 2, 8000, 100),
      port("10.9.0.100", 443, "172.30.7.2", 443),
      { ...port("::1", 9000, "172.30.7.2", 9000, 100), proxyPort: 7000 },
    ];
    const elements = [
      ...base,
      ...portElements(trusting, ports),
      ...linkElements([{ from: "172.30.4.2", to: "172.30.4.3", protocol: "udp", port: 53 }]),
    ];
    expect(await firewall.ensure(elements)).toBe("kept");
    const byNetlink = host.sh("nft list ruleset");
    host.sh("nft delete table inet caisson");
    expect(await firewall.ensure(elements)).toBe("loaded");
    expect(host.sh("nft list ruleset")).toBe(byNetlink);
    // And again over what is there: nothing changes.
    expect(await firewall.ensure(elements)).toBe("kept");
    expect(host.sh("nft list ruleset")).toBe(byNetlink);
    expect(await firewall.ensure(base)).toBe("kept");
    expect(listed("any4")).not.toContain("elements");
  });

  test("takes what is there already, and gives up what is partly gone", async () => {
    const ports = portElements(one, [...everywhere(8080, 1, 2), ...everywhere(8000, 1, 2, 8000, 100)]);
    const network = networkElements(bridge(9));
    const all = [...ports, ...network];
    const before = host.sh("nft list ruleset");
    await perform((b, s) => add(b, "publish", s, all));
    const with_ = host.sh("nft list ruleset");
    await perform((b, s) => add(b, "publish", s, all));
    expect(host.sh("nft list ruleset")).toBe(with_);
    await perform((b, s) => remove(b, "unpublish", s, [...ports.slice(1), ...network.slice(2)]));
    await perform((b, s) => remove(b, "unpublish", s, all));
    await perform((b, s) => remove(b, "unpublish", s, all));
    expect(host.sh("nft list ruleset")).toBe(before);
  });

  test("is no stumbling block when it is gone", async () => {
    host.sh("nft delete table inet caisson");
    await perform((b, s) => remove(b, "unpublish", s, base));
    expect(await firewall.ensure(base)).toBe("loaded");
  });
});

describe("who flushes the firewall", () => {
  const elements: FirewallElement[] = [...base, ...portElements(one, everywhere(8080, 1, 2))];
  let observer: FirewallObserver;
  const told: Disturbance[] = [];
  const failures: unknown[] = [];

  beforeAll(async () => {
    await firewall.ensure(elements);
    await firewall.remember();
    observer = new FirewallObserver(
      executors.session(),
      async () => firewall.remake(elements),
      async (what) => {
        told.push(what);
        if (what.own) await firewall.ensure(elements);
      },
      (error) => failures.push(error),
    );
    await observer.start();
  });
  afterAll(() => observer.close());

  test.each([
    ["everything", "nft flush ruleset"],
    ["the table", "nft delete table inet caisson"],
    ["the rules", "nft flush table inet caisson"],
    ["a chain", "nft flush chain inet caisson forward"],
    ["a map", "nft flush map inet caisson any4"],
    ["an element", "nft delete element inet caisson any4 { tcp . 8080 : 172.30.1.2 . 80 }"],
    ["everything, and loads other rules", "nft flush ruleset; nft add table ip filter"],
  ])("%s: it is back", async (_, command) => {
    const before = host.sh("nft list table inet caisson");
    host.sh(command);
    await eventually(
      "the firewall is back",
      () =>
        told.some(({ own }) => own) && host.sh("nft list table inet caisson 2>/dev/null || true") === before,
    );
    expect(await neighbour.tcp(HOST, 8080)).toBe("10.9.0.2 at 80");
    expect(failures).toEqual([]);
  });

  test("is not the engine itself", async () => {
    /** Something that is told of: then everything that was before has been. */
    const fence = async (): Promise<void> => {
      told.length = 0;
      host.sh(
        "nft delete table ip filter 2>/dev/null || true; nft add table ip filter; nft add chain ip filter FORWARD",
      );
      await eventually("the observer tells of it", () => told.some((what) => what.host));
    };
    await fence();
    await fence();
    const extra = portElements(two, everywhere(8081, 2, 2));
    for (let i = 0; i < 3; i++) {
      await perform((b, s) => add(b, "publish", s, extra));
      await perform((b, s) => remove(b, "unpublish", s, extra));
    }
    await firewall.ensure(elements);
    await fence();
    expect(told).toEqual([{ own: false, host: true }]);
    expect(failures).toEqual([]);
  });
});
