/**
 * The engine beside the host's own firewall: rules of others stay what they are, and what others take from the engine
 * comes back.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { setTimeout as delay } from "node:timers/promises";
import { must, removeAll } from "../../support/containers.ts";
import { TestEngine } from "../../support/engine.ts";
import { patience } from "../../support/patience.ts";
import { LAN, NetworkPlace } from "./place.ts";

let engine: TestEngine;
let place: NetworkPlace;

beforeAll(async () => {
  engine = await TestEngine.start();
  place = await NetworkPlace.around(engine);
}, 60_000);

afterAll(() => place[Symbol.asyncDispose]());

const rules = `
iptables -A FORWARD -i eth9 -j DROP
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
iptables -t nat -A PREROUTING -p tcp --dport 99 -j REDIRECT --to-ports 98
iptables -t mangle -A POSTROUTING -o eth9 -j MARK --set-mark 5
ip6tables -A FORWARD -i eth9 -j DROP
nft add table inet mine
nft add set inet mine some '{ type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 }; }'
nft add chain inet mine input '{ type filter hook input priority 5; policy accept; }'
nft add rule inet mine input ip saddr @some tcp dport 4444 drop comment '"of the host"'
nft add table ip caisson-like
nft add chain ip caisson-like x
nft add table bridge mine
nft add chain bridge mine f '{ type filter hook forward priority 0; policy accept; }'
`;

/** Every rule of others, byte for byte but for counters, times and the order of the tables. */
function foreign(): string {
  const tables = place.host
    .sh("nft list tables")
    .trim()
    .split("\n")
    .filter((line) => line !== "table inet caisson")
    .sort();
  const nft = tables.map((table) => place.host.sh(`nft list ${table}`));
  const legacy = place.host
    .sh("iptables-save; ip6tables-save")
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\[\d+:\d+\]/g, "");
  return [...nft, legacy].join("\n");
}

test("rules of others are what they were while it runs, after its stop, after its kill and its return", async () => {
  await engine.stop();
  place.host.sh(rules);
  const before = foreign();
  expect(before).toContain("of the host");
  await engine.resume();
  must(engine, ["network", "create", "--ipv6", "own"]);
  must(engine, ["network", "create", "--internal", "shut"]);
  must(engine, [
    "run",
    "-d",
    "--network",
    "own",
    "-p",
    "8080:80",
    "-p",
    "9000-9100:9000-9100",
    "busybox",
    "sleep",
    "1000",
  ]);
  must(engine, ["run", "-d", "--network", "shut", "busybox", "sleep", "1000"]);
  expect(foreign()).toBe(before);
  await engine.kill();
  await engine.resume();
  expect(foreign()).toBe(before);
  await removeAll(engine);
  must(engine, ["network", "rm", "own", "shut"]);
  expect(foreign()).toBe(before);
  await engine.stop();
  expect(foreign()).toBe(before);
  expect(place.host.sh("nft list tables")).not.toContain("table inet caisson\n");
  await engine.resume();
});

test("the rules stay with containers that run when the engine has stopped", async () => {
  must(engine, ["run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sleep", "1000"]);
  await (await place.inside("web")).serve(80);
  await engine.stop();
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  await engine.resume();
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  await removeAll(engine);
});

test.each([
  ["flush ruleset", "nft flush ruleset"],
  ["delete the table", "nft delete table inet caisson"],
  ["flush the table", "nft flush table inet caisson"],
  ["flush one of its maps", "nft flush map inet caisson any4"],
  ["load another ruleset in one transaction", "printf 'flush ruleset\\ntable inet theirs { }\\n' | nft -f -"],
])("%s: what is published is reached again, with the client's address", async (_, command) => {
  must(engine, ["run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sleep", "1000"]);
  const inside = await place.inside("web");
  await inside.serve(80);
  await place.neighbour.serve(7000).catch(() => undefined);
  const works = async (): Promise<boolean> =>
    (await place.neighbour.tcp(LAN.host, 8080, 100)) === `${LAN.neighbour} at 80` &&
    (await inside.tcp(LAN.neighbour, 7000, 100)) === `${LAN.host} at 7000`;
  expect(await place.neighbour.tcp(LAN.host, 8080)).toBe(`${LAN.neighbour} at 80`);
  place.host.sh(command);
  const begin = performance.now();
  while (!(await works())) {
    if (performance.now() - begin > 5000 * patience) throw new Error("it does not come back");
    await delay(10);
  }
  console.log(`back after ${Math.round(performance.now() - begin)} ms`);
  await removeAll(engine);
});

test("what is published after a flush is there, and what was unpublished is not", async () => {
  must(engine, ["run", "-d", "--name", "gone", "-p", "8081:80", "busybox", "sleep", "1000"]);
  await (await place.inside("gone")).serve(80);
  place.host.sh("nft flush ruleset");
  must(engine, ["rm", "-f", "gone"]);
  must(engine, ["run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sleep", "1000"]);
  await (await place.inside("web")).serve(80);
  expect(await place.neighbour.tcp(LAN.host, 8080, 5000)).toBe(`${LAN.neighbour} at 80`);
  expect(await place.neighbour.tcp(LAN.host, 8081)).toBe("ECONNREFUSED");
  await removeAll(engine);
});
