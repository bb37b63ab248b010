/**
 * Scenarios 15 to 21: published ports and who serves them, NAT, the host's network and none, networks of one's own.
 * @module
 */
import { expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { eventually } from "../support/containers.ts";
import { scenario, scenarioEngine, type Client } from "./client.ts";

const engine = scenarioEngine();
const withoutProxy = scenarioEngine("--userland-proxy=false");
const serve = ["busybox", "sh", "-c", "mkdir /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"];

/** Arguments of the processes in the engine's network namespace. */
function processes({ engine: { namespace } }: Client): string {
  const space = /\d+/.exec(readlinkSync(`/proc/${namespace}/ns/net`))?.[0] ?? "none";
  const { stdout } = spawnSync("ps", ["-eo", "netns,args"], { encoding: "utf8" });
  const own = new RegExp(`^ *${space} (.*)$`, "gm");
  return [...stdout.matchAll(own)].map(([, args]) => args).join("\n");
}

/** Whether `address` answers in the engine's namespace. */
async function answers(client: Client, address: string): Promise<void> {
  await eventually(`an answer from ${address}`, () => {
    const { code, stdout } = client.engine.runInside("curl", ["-fsm", "3", `http://${address}/`]);
    return (code === 0 && stdout === "hello\n") || undefined;
  });
}

scenario(
  15,
  "a published port: a proxy, docker0, a veth pair, answers everywhere",
  engine,
  async (client) => {
    const id = client.must("container", "run", "-d", "-p", "8080:80", ...serve);
    expect(client.must("ps")).toContain("0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
    const links = client.engine.runInside("ip", ["-br", "addr", "show"]).stdout;
    expect(links).toMatch(/^docker0 +UP +172\.17\.0\.1\/16/m);
    expect(links).toMatch(/^veth\w+@if\d+ +UP/m);
    expect(client.must("exec", id, "ip", "addr", "show", "eth0")).toContain("172.17.0.");
    const processes = client.engine.runInside("ps", ["-eo", "args"]).stdout;
    expect(processes).toMatch(/^caisson-proxy.* -proto tcp -host-ip 0\.0\.0\.0 -host-port 8080 /m);
    for (const address of ["127.0.0.1:8080", "[::1]:8080", "172.17.0.1:8080"]) await answers(client, address);
    client.must("rm", "-f", id);
  },
);

scenario(
  16,
  "no proxy: every way in still works, the container's own port too",
  withoutProxy,
  async (client) => {
    const id = client.must("run", "-d", "-p", "8080:80", ...serve);
    expect(processes(client)).toContain("caisson-shim");
    expect(processes(client)).not.toContain("caisson-proxy");
    for (const address of ["127.0.0.1:8080", "172.17.0.1:8080"]) await answers(client, address);
    await eventually("an answer from its own published port", () => {
      const { code, stdout } = client.run(
        "exec",
        id,
        "sh",
        "-c",
        `printf "GET / HTTP/1.0\r\n\r\n" | nc -w 3 172.17.0.1 8080 | tail -n 1`,
      );
      return (code === 0 && stdout === "hello\n") || undefined;
    });
    client.must("rm", "-f", id);
  },
);

scenario(17, "outgoing traffic leaves with the host's address", engine, (client) => {
  const { engine: host } = client;
  host.runInside("sh", [
    "-c",
    "ip link show out0 || { ip link add out0 type veth peer name out1; ip addr add 10.77.0.1/24 dev out0; ip link set out0 up; ip link set out1 up; }",
  ]);
  const sniffed = host.runInside("sh", [
    "-c",
    "ip route replace 10.78.0.0/16 dev out0 && ip neigh replace 10.78.0.9 lladdr 02:00:00:00:00:09 dev out0",
  ]);
  expect(sniffed.code).toBe(0);
  client.must("run", "--rm", "busybox", "sh", "-c", "ping -c 1 -W 1 10.78.0.9 || true");
  const flows = host.runInside("cat", ["/proc/net/nf_conntrack"]);
  const table = flows.code === 0 ? flows.stdout : host.runInside("conntrack", ["-L"]).stdout;
  // What comes back is expected at the host's address.
  expect(table).toMatch(/src=172\.17\.0\.\d+ dst=10\.78\.0\.9 .* src=10\.78\.0\.9 dst=10\.77\.0\.1 /);
});

scenario(18, "the host's interfaces, or only lo", engine, (client) => {
  const inside = client.must("container", "run", "--rm", "--net=host", "busybox", "ip", "addr", "show");
  expect(inside).toContain("docker0");
  const none = client.must("run", "--rm", "--net=none", "busybox", "ip", "addr", "show");
  expect(none.match(/^\d+: (\S+):/gm)).toEqual(["1: lo:"]);
});

scenario(19, "networks are listed, made, joined, left and pruned", engine, (client) => {
  const names = (): readonly string[] =>
    client.must("network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}").split("\n").sort();
  expect(names()).toEqual(["bridge bridge local", "host host local", "none null local"]);
  client.must("network", "create", "-d", "bridge", "one");
  client.must("run", "-d", "--name=member", "--net=one", "busybox", "sleep", "1000");
  client.must("network", "create", "two");
  client.must("network", "connect", "two", "member");
  expect(client.must("exec", "member", "ip", "link").match(/eth\d/g)).toEqual(["eth0", "eth1"]);
  client.must("network", "disconnect", "two", "member");
  expect(client.run("network", "rm", "one").stderr).toContain("active endpoints");
  const overlay = client.run("network", "create", "-d", "overlay", "three");
  expect(overlay.code).toBe(1);
  client.must("rm", "-f", "member");
  expect(client.must("network", "prune", "-f")).toContain("one");
  expect(names()).toHaveLength(3);
});

scenario(20, "macvlan: addresses of their own on the parent's network", engine, (client) => {
  client.engine.runInside("sh", [
    "-c",
    "ip link show lan0 || { ip link add lan0 type veth peer name lan1; ip link set lan0 up; ip link set lan1 up; }",
  ]);
  client.must(
    ..."network create -d macvlan --subnet=172.16.16.0/24 --gateway=172.16.16.1 -o parent=lan0 ourvlan".split(
      " ",
    ),
  );
  const first = client.must("run", "-d", "--net=ourvlan", "busybox", "sleep", "1000");
  const second = client.must("run", "-d", "--net=ourvlan", "busybox", "sleep", "1000");
  const [a, b] = [first, second].map((id) => client.must("exec", id, "ip", "addr", "show", "eth0"));
  const mac = /link\/ether (\S+)/;
  expect(a?.match(mac)?.[1]).not.toBe(b?.match(mac)?.[1]);
  const address = /inet (172\.16\.16\.\d+)\/24/.exec(b ?? "")?.[1] ?? "";
  client.must("exec", first, "ping", "-c", "1", "-W", "2", address);
  client.must("rm", "-f", first, second);
  client.must("network", "rm", "ourvlan");
});

scenario(21, "reserved addresses are never given out", engine, (client) => {
  client.must(
    ..."network create --subnet=10.33.0.0/24 --ip-range=10.33.0.8/30 --aux-address=a=10.33.0.9".split(" "),
    ..."--aux-address=b=10.33.0.10 --gateway=10.33.0.8 narrow".split(" "),
  );
  const address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  const fixed = client.must("run", "-d", "--net=narrow", "--ip=10.33.0.77", "busybox", "sleep", "1000");
  const only = client.must("run", "-d", "--net=narrow", "busybox", "sleep", "1000");
  expect(client.must("inspect", "-f", address, only)).toBe("10.33.0.11");
  expect(client.must("inspect", "-f", address, fixed)).toBe("10.33.0.77");
  const refused = client.run("run", "-d", "--net=narrow", "busybox", "true");
  expect(refused.stderr).toContain("no available IPv4 addresses on this network's address pools: narrow");
  client.must("rm", "-f", fixed, only);
  client.must("network", "rm", "narrow");
});
