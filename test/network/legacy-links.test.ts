/**
 * Links of the default bridge: variables, names in /etc/hosts, names of the one that is linked to, and what they open
 * where containers can't reach each other.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { command, eventually, execute, inspect, must, removeAll } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start("--icc=false");
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const idle = ["busybox", "sleep", "1000"];
const bridged = (name: string, ...flags: readonly string[]): string =>
  must(engine, ["run", "-d", "--name", name, ...flags, ...idle]);
const serve = "while :; do echo served | nc -l -p 80; done";
const addressOf = (container: string): string =>
  execute(engine, container, "ip -4 -o addr show eth0 | tr -s ' ' | cut -d' ' -f4 | cut -d/ -f1");

function servers(): string {
  must(engine, ["run", "-d", "--name", "db", "--expose", "80", "-e", "A=b", "busybox", "sh", "-c", serve]);
  return addressOf("db");
}

async function names(container: string): Promise<readonly string[]> {
  const list = (await engine.request("GET", "/containers/json?all=1")).json<
    { readonly Id: string; readonly Names: string[] }[]
  >();
  const { Id } = await inspect(engine, container);
  return list.find((one) => one.Id === Id)?.Names ?? [];
}

test("variables and lines of /etc/hosts, also in an exec and after the other has moved", async () => {
  const address = servers();
  bridged("web", "--link", "db:store");
  expect(execute(engine, "web", "env | grep ^STORE | sort")).toBe(
    [
      "STORE_ENV_A=b",
      "STORE_NAME=/web/store",
      `STORE_PORT=tcp://${address}:80`,
      `STORE_PORT_80_TCP=tcp://${address}:80`,
      `STORE_PORT_80_TCP_ADDR=${address}`,
      "STORE_PORT_80_TCP_PORT=80",
      "STORE_PORT_80_TCP_PROTO=tcp",
    ].join("\n"),
  );
  const { Id } = await inspect(engine, "db");
  const line = (where: string): string => `${where}\tstore ${Id.slice(0, 12)} db`;
  expect(execute(engine, "web", "grep store /etc/hosts")).toBe(line(address));
  must(engine, ["stop", "-t", "0", "db"]);
  bridged("squatter");
  must(engine, ["start", "db"]);
  const moved = addressOf("db");
  expect(moved).not.toBe(address);
  await eventually("the line follows", () =>
    execute(engine, "web", "grep store /etc/hosts") === line(moved) ? true : undefined,
  );
});

test.each([
  ["filters what bridges pass", "1"],
  ["does not", "0"],
])(
  "on a host that %s, a link opens what is exposed, nothing else, as long as it is there",
  async (_, filters) => {
    // Hosts without br_netfilter have no such switch, and never filter it.
    const file = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    const { code, stderr } = engine.runInside("sh", ["-c", `test ! -e ${file} || echo ${filters} >${file}`]);
    expect([code, stderr]).toEqual([0, ""]);
    const address = servers();
    bridged("web", "--link", "db:store");
    bridged("stranger");
    const ask = (who: string, port = 80): string =>
      command(engine, ["exec", who, "sh", "-c", `nc -w 2 ${address} ${port} </dev/null 2>&1`]).stdout;
    await eventually("the server answers", () => (ask("web") === "served\n" ? true : undefined));
    expect(ask("stranger")).not.toContain("served");
    expect(ask("web", 81)).not.toContain("refused");
    expect(must(engine, ["rm", "--link", "web/store"])).toBe("web/store");
    expect(ask("web")).not.toContain("served");
    expect(command(engine, ["exec", "web", "grep", "store", "/etc/hosts"]).code).toBe(1);
  },
);

test("names, whoever is renamed; inspect and removal by them", async () => {
  servers();
  bridged("web", "--link", "db:store", "--link", "db");
  expect(await names("db")).toEqual(["/db", "/web/db", "/web/store"]);
  expect(must(engine, ["inspect", "-f", "{{.Name}}", "web/store"])).toBe("/db");
  expect(must(engine, ["ps", "--format", "{{.Names}}", "--no-trunc", "-f", "name=db"])).toBe(
    "db,web/db,web/store",
  );
  expect(must(engine, ["ps", "--format", "{{.Names}}", "-f", "name=db"])).toBe("db");
  must(engine, ["rename", "web", "shop"]);
  must(engine, ["rename", "db", "base"]);
  expect(await names("base")).toEqual(["/base", "/shop/db", "/shop/store"]);
  expect((await inspect(engine, "shop")).HostConfig["Links"]).toEqual([
    "/base:/shop/store",
    "/base:/shop/db",
  ]);
  const refused = command(engine, ["rm", "--link", "shop"]);
  expect(refused.stderr).toContain("Conflict, cannot remove the default link name of the container");
  expect(command(engine, ["rm", "--link", "shop/none"]).stderr).toContain("No such container: shop/none");
  must(engine, ["rm", "--link", "/shop/db"]);
  expect(await names("base")).toEqual(["/base", "/shop/store"]);
});

test("who is linked to must run, on the default bridge", async () => {
  servers();
  bridged("web", "--link", "db");
  must(engine, ["rm", "-f", "db"]);
  expect((await inspect(engine, "web")).HostConfig["Links"]).toEqual(["/db:/web/db"]);
  expect(command(engine, ["restart", "-t", "0", "web"]).stderr).toContain(
    "Cannot link to a non running container: /db AS /web/db",
  );
  must(engine, ["run", "-d", "--net=none", "--name", "alone", ...idle]);
  expect(command(engine, ["run", "--link", "alone", "busybox", "true"]).stderr).toContain(
    "Cannot link to /alone, as it does not belong to the default network",
  );
});

test("links are found again by the next engine", async () => {
  servers();
  bridged("web", "--link", "db:store");
  await engine.kill();
  await engine.resume();
  expect(await names("db")).toEqual(["/db", "/web/store"]);
  const address = addressOf("db");
  await eventually("the link is open", () =>
    command(engine, ["exec", "web", "sh", "-c", `nc -w 2 ${address} 80 </dev/null`]).stdout === "served\n"
      ? true
      : undefined,
  );
});
