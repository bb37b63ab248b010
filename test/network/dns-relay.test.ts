/**
 * The resolver behind native/'s relay: what a container's own programs see at 127.0.0.11.
 * @module
 */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { perlPath, script } from "../support/scripts.ts";
import { patience } from "../support/patience.ts";
import { ResolverWorld, until } from "../support/resolver.ts";

const native = join(import.meta.dir, "../../native/build/caisson-native");

async function world(): Promise<ResolverWorld> {
  return (await worldWithRelay()).place;
}

/** The same; `leave` is the end of the engine, `relay` the relay's pid. */
async function worldWithRelay(): Promise<{
  readonly place: ResolverWorld;
  readonly relay: number;
  readonly leave: () => void;
}> {
  const place = await ResolverWorld.start();
  const client = place.client();
  client.replace({
    networks: [{ id: "app", name: "app", internal: false }],
    endpoints: [
      { id: "e", network: "app", container: "c", names: ["web"], ipv4: "172.30.0.11", ipv6: "fd00::11" },
    ],
    containers: [{ id: "c", networks: ["app"], links: {}, servers: null, ndots: 0 }],
  });
  await client.flushed();
  const relay = place.spawnInside(perlPath, [
    script("network/start-relay.pl"),
    native,
    client.relaySocket,
    "c",
  ]);
  await until("the relay", () => place.runInside("busybox", ["nslookup", "web", "127.0.0.11"]).code === 0);
  return { place, relay, leave: () => client.close() };
}

/** How often a process has waited so far. */
function waits(pid: number): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Resolves when the process has waited no more than once in a whole second. */
async function atRest(pid: number): Promise<void> {
  const end = Date.now() + 60_000 * patience;
  for (;;) {
    const before = waits(pid);
    await delay(1000);
    if (waits(pid) - before <= 1) return;
    if (Date.now() > end) throw new Error("the relay never rests");
  }
}

test("busybox's nslookup finds names, addresses, and what others know", async () => {
  await using place = await world();
  const lookUp = (name: string): string =>
    place.runInside("busybox", ["nslookup", name, "127.0.0.11"]).stdout;
  expect(lookUp("WEB.app")).toContain("172.30.0.11");
  expect(lookUp("web")).toContain("fd00::11");
  expect(lookUp("172.30.0.11")).toContain("web.app");
  expect(lookUp("some.example")).toContain("10.1.1.1");
});

test("25,000 queries at 5,000 a second from one container: each is answered", async () => {
  await using place = await world();
  const flood = join(import.meta.dir, "../support/dns-flood.ts");
  const { stdout } = await place.runInsideLater(process.execPath, [flood, "25000", "5000", "web"]);
  expect(JSON.parse(stdout)).toEqual({ answered: 25_000 });
});

test("a relay whose resolver is killed finds the next", async () => {
  await using place = await world();
  for (let round = 0; round < 3; round += 1) {
    await place.killResolver();
    // Not held up: this process is the engine that starts the next.
    const { stdout } = await place.runInsideLater("busybox", ["nslookup", "web", "127.0.0.11"]);
    expect(stdout).toContain("172.30.0.11");
  }
});

test("a relay without a resolver rests, and answers at once what it is asked when there is one again", async () => {
  const { place, relay, leave } = await worldWithRelay();
  await using _place = place;
  await until("the state is written", () => existsSync(join(place.place, "state.json")));
  leave();
  await place.killResolver();
  // By both ways somebody asked and gave up. That doesn't keep it awake.
  await place.runInsideLater("busybox", ["timeout", "1", "nslookup", "web", "127.0.0.11"]);
  await place.runInsideLater("busybox", ["timeout", "1", "nc", "127.0.0.11", "53"]);
  await atRest(relay);
  let quickest = Infinity;
  for (let round = 0; round < 5 && quickest > 1000; round += 1) {
    place.startResolver();
    await until("the resolver", () => place.pid !== undefined);
    const begin = performance.now();
    const { stdout } = await place.runInsideLater("busybox", ["nslookup", "web", "127.0.0.11"]);
    expect(stdout).toContain("172.30.0.11");
    quickest = Math.min(quickest, performance.now() - begin);
    await place.killResolver();
    await atRest(relay);
  }
  // Not by chance: it looks for the resolver every 5 s by itself.
  expect(quickest).toBeLessThan(1000);
});
