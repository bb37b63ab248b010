/**
 * Projects of the real docker compose: two networks, aliases, published ports, scaled to ten, up and down.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, must, removeAll } from "../support/containers.ts";
import { compose, noCompose } from "../support/docker.ts";
import { TestEngine } from "../support/engine.ts";
import { networkOf, resolversOf, storedEndpoints, type HostNetwork } from "../support/host-network.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
let before: HostNetwork;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  before = networkOf(engine);
});
afterAll(async () => {
  await removeAll(engine);
  await engine[Symbol.asyncDispose]();
});

/** A service whose processes end at once when they are told to. */
const sleeper = { image: "busybox", command: ["sleep", "1000"], stop_signal: "SIGKILL" };

/** A project of its own folder; compose reads JSON too. */
class Project {
  readonly #directory: string;

  constructor(name: string, project: object) {
    this.#directory = join(engine.directory, name);
    mkdirSync(this.#directory);
    writeFileSync(join(this.#directory, "compose.yaml"), JSON.stringify({ name, ...project }));
  }

  /** A compose command that must succeed; what it printed. */
  run(...args: readonly string[]): string {
    const { code, stdout, stderr } = this.tried(...args);
    if (code !== 0) throw new Error(`docker compose ${args.join(" ")}: ${code}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** One that may fail. */
  tried(...args: readonly string[]): ReturnType<typeof compose> {
    return compose(engine, this.#directory, args);
  }

  /** What a name resolves to inside of a service's container: each address once, sorted. */
  addresses(service: string, name: string): string[] {
    const { stdout } = this.tried("exec", "-T", service, "nslookup", `${name}.`);
    return [...new Set(stdout.match(/(?<=^Address: )[0-9.]+$/gm))].toSorted();
  }
}

/** What is said on a connection from the host to a published port of it. */
function answerOf(address: string): string {
  const [host = "", port = ""] = address.split(":");
  return engine.runInside("bash", ["-c", `exec 3<>/dev/tcp/${host}/${port}; cat <&3`]).stdout.trim();
}

interface Listed {
  readonly Service: string;
  readonly State: string;
  readonly ID: string;
  readonly Publishers: readonly { readonly URL: string; readonly PublishedPort: number }[] | null;
}

async function expectNothingLeft(): Promise<void> {
  expect((await engine.request("GET", "/containers/json?all=1")).json<unknown>()).toEqual([]);
  const networks = (await engine.request("GET", "/networks")).json<{ Name: string }[]>();
  expect(networks.map(({ Name }) => Name).toSorted()).toEqual(["bridge", "host", "none"]);
  expect(
    (await engine.request("GET", "/volumes")).json<{ Volumes: object[] | null }>().Volumes ?? [],
  ).toEqual([]);
  await eventually("the links and elements of before", () => {
    return JSON.stringify(networkOf(engine)) === JSON.stringify(before) || undefined;
  }).catch(() => expect(networkOf(engine)).toEqual(before));
  await eventually("the resolver's end", () => resolversOf(engine).length === 0, 30);
  await engine.stop();
  expect(storedEndpoints(engine)).toBe(0);
  await engine.resume();
}

testUnless(noCompose)(
  "two networks, aliases, published ports, scale 10, down",
  async () => {
    const script = "while true; do hostname | nc -l -p 80; done";
    const project = new Project("shop", {
      services: {
        db: { ...sleeper, networks: { back: { aliases: ["database"] } } },
        web: {
          ...sleeper,
          command: ["sh", "-c", script],
          ports: ["127.0.0.1:18080-18099:80"],
          depends_on: ["db"],
          networks: { back: {}, front: { aliases: ["site"] } },
          volumes: ["data:/data"],
        },
        visitor: { ...sleeper, networks: ["front"] },
      },
      networks: { front: {}, back: { internal: true } },
      volumes: { data: {} },
    });
    project.run("up", "-d");
    expect(project.addresses("web", "database")).toHaveLength(1);
    project.run("up", "-d", "--scale", "web=10");

    const lines = project.run("ps", "--format", "json").split("\n");
    const listed = lines.map((line) => JSON.parse(line) as Listed);
    expect(listed.every(({ State }) => State === "running")).toBe(true);
    const webs = listed.filter(({ Service }) => Service === "web");
    expect(webs).toHaveLength(10);
    const ports = webs.map(({ Publishers }) => Publishers?.[0]?.PublishedPort);
    expect(new Set(ports).size).toBe(10);

    // Each is behind the port that compose says, and answers there.
    const numbers = Array.from({ length: 10 }, (_, n) => String(n + 1));
    const published = numbers.map((index) => project.run("port", "--index", index, "web", "80"));
    for (const address of published) expect(address).toMatch(/^127\.0\.0\.1:180[89]\d$/);
    const ids = await Promise.all(
      published.map(async (address) =>
        eventually(`an answer at ${address}`, () => answerOf(address) || undefined),
      ),
    );
    expect(ids.toSorted()).toEqual(webs.map(({ ID }) => ID.slice(0, 12)).toSorted());

    // Names: of services and aliases, on networks that one is on.
    expect(project.addresses("db", "web")).toHaveLength(10);
    expect(project.addresses("visitor", "site")).toHaveLength(10);
    expect(project.addresses("visitor", "site")).toEqual(project.addresses("visitor", "web"));
    expect(project.addresses("visitor", "database")).toEqual([]);
    expect(project.addresses("db", "site")).toEqual([]);

    project.run("up", "-d", "--scale", "web=2");
    expect(project.addresses("db", "web")).toHaveLength(2);
    project.run("restart", "web");
    expect(project.addresses("db", "web")).toHaveLength(2);
    project.run("stop", "web");
    expect(project.addresses("db", "web")).toEqual([]);
    project.run("start", "web");
    expect(project.run("run", "--rm", "-T", "web", "nslookup", "database.")).toContain("Address: ");
    project.run("down", "-v", "-t", "0");
    await expectNothingLeft();
  },
  240_000,
);

testUnless(noCompose)(
  "what a service may say of its networks",
  async () => {
    const project = new Project("odd", {
      services: {
        a: {
          ...sleeper,
          hostname: "hosta",
          links: ["b:bee"],
          extra_hosts: ["x:1.2.3.4"],
          sysctls: { "net.ipv4.ip_default_ttl": "77" },
          ports: ["18100:80", "18100:80/udp", "127.0.0.1:18101-18103:81-83", "95"],
          networks: {
            wide: {
              ipv4_address: "10.33.0.9",
              ipv6_address: "fd33::9",
              mac_address: "02:42:0a:21:00:99",
              aliases: ["al"],
              priority: 1,
              gw_priority: 5,
            },
            other: {},
          },
        },
        b: { ...sleeper, networks: { wide: { interface_name: "neta" } } },
        joined: { ...sleeper, network_mode: "service:a" },
        alone: { ...sleeper, network_mode: "none" },
        bridged: { ...sleeper, network_mode: "bridge" },
      },
      networks: {
        wide: {
          enable_ipv6: true,
          driver_opts: { "com.docker.network.bridge.name": "odd0", "com.docker.network.driver.mtu": "1400" },
          ipam: {
            config: [
              { subnet: "10.33.0.0/24", ip_range: "10.33.0.128/25", gateway: "10.33.0.1" },
              { subnet: "fd33::/64" },
            ],
          },
        },
        other: {},
      },
    });
    project.run("up", "-d");
    const inside = (service: string, script: string): string =>
      project.run("exec", "-T", service, "sh", "-c", script);
    const own = inside("a", "ip addr show eth0; cat /etc/hosts /proc/sys/net/ipv4/ip_default_ttl; ip route");
    for (const part of [
      "inet 10.33.0.9/24",
      "inet6 fd33::9/64",
      "link/ether 02:42:0a:21:00:99",
      "mtu 1400",
      "1.2.3.4\tx",
      "10.33.0.9\thosta",
      "\n77\n",
      "default via 10.33.0.1 dev eth0",
    ])
      expect(own).toContain(part);
    const namespace = "readlink /proc/self/ns/net";
    expect(inside("joined", namespace)).toBe(inside("a", namespace));
    expect(inside("b", "ls /sys/class/net")).toContain("neta");
    const [of, ...others] = project.addresses("a", "bee");
    expect(others).toEqual([]);
    expect(of).toMatch(/^10\.33\.0\.1(2[89]|[3-9]\d)$/);
    expect(project.addresses("b", "al")).toEqual(["10.33.0.9"]);
    expect(project.addresses("b", "bee")).toEqual([]);
    expect(project.run("port", "a", "82")).toBe("127.0.0.1:18102");
    expect(project.run("port", "--protocol", "udp", "a", "80")).toBe("0.0.0.0:18100");
    expect(project.run("port", "a", "95")).toMatch(/^0\.0\.0\.0:\d+$/);
    expect(networkOf(engine).links).toContain("odd0");
    project.run("down", "-t", "0");
    await expectNothingLeft();
  },
  240_000,
);

testUnless(noCompose)(
  "what isn't supported is refused by name, and down takes what was made",
  async () => {
    const refused = (service: object): string => {
      const project = new Project(`refused-${Math.random().toString(36).slice(2)}`, {
        services: { s: { ...sleeper, ...service } },
      });
      const { code, stderr } = project.tried("up", "-d");
      expect(code).not.toBe(0);
      project.run("down", "-t", "0");
      return stderr;
    };
    expect(refused({ storage_opt: { size: "1G" } })).toContain("--storage-opt is supported only for");
    await expectNothingLeft();
  },
  120_000,
);

testUnless(noCompose)(
  "who depends on a healthy service starts after it; what ends is started again by its policy",
  async () => {
    const project = new Project("lives", {
      services: {
        db: {
          image: "busybox",
          command: ["sh", "-c", "sleep 1; touch /ready; sleep 1000"],
          healthcheck: { test: ["CMD-SHELL", "test -e /ready"], interval: "200ms", retries: 50 },
        },
        web: {
          image: "busybox",
          init: true,
          restart: "on-failure:2",
          command: ["sh", "-c", "echo at work; exit 3"],
          depends_on: { db: { condition: "service_healthy" } },
        },
      },
    });
    project.run("up", "-d");
    const state = (service: string, format: string): string =>
      must(engine, ["inspect", "--format", format, project.run("ps", "-aq", service).trim()]);
    expect(state("db", "{{.State.Health.Status}}")).toBe("healthy");
    expect(project.run("ps", "db")).toContain("(healthy)");
    await eventually(
      "the last restart",
      () => state("web", "{{.RestartCount}} {{.State.Status}}") === "2 exited",
    );
    expect(project.run("logs", "--no-log-prefix", "web").trim().split("\n")).toEqual(
      Array(3).fill("at work"),
    );
    project.run("down", "-t", "0");
    await expectNothingLeft();
  },
  120_000,
);
