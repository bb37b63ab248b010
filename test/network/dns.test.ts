/**
 * The resolver's process: names, forwarding, and that it goes on whatever happens to the engine.
 * @module
 */
import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ResolverClient } from "../../src/network/dns/client.ts";
import { frameOf, ResolverWorld, runs, until, upstreams } from "../support/resolver.ts";

/** Tells of a container on `networks`, with the last number of its addresses. */
function add(
  client: ResolverClient,
  name: string,
  number: number,
  networks: readonly string[],
  servers: readonly string[] | null = null,
): void {
  for (const network of networks) {
    const ipv4 = `172.30.${number >> 8}.${number & 255}`;
    client.apply({
      op: "endpoint",
      endpoint: { id: `${name}@${network}`, network, container: name, names: [name], ipv4 },
    });
  }
  client.apply({ op: "container", container: { id: name, networks, links: {}, servers, ndots: 0 } });
}

async function world(): Promise<{ world: ResolverWorld; client: ResolverClient } & AsyncDisposable> {
  const made = await ResolverWorld.start();
  const client = made.client();
  client.apply({ op: "network", network: { id: "app", name: "app", internal: false } });
  client.apply({ op: "network", network: { id: "inside", name: "inside", internal: true } });
  add(client, "web", 11, ["app"]);
  add(client, "secret", 12, ["inside"]);
  await client.flushed();
  return { world: made, client, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() };
}

test("what was told is in force when flushed() resolves", async () => {
  await using all = await world();
  const { world: place, client } = all;
  const relay = await place.relay("web");
  expect(await relay.addresses("web.app")).toEqual(["172.30.0.11"]);
  expect(await relay.addresses("11.0.30.172.in-addr.arpa", { type: "PTR" })).toEqual(["web.app"]);
  for (let number = 1; number <= 300; number += 1) {
    add(client, `c${number}`, 256 + number, ["app"]);
    if (number % 50 !== 0) continue;
    await client.flushed();
    expect(await relay.addresses(`c${number}`)).toEqual([
      `172.30.${(256 + number) >> 8}.${(256 + number) & 255}`,
    ]);
  }
  client.apply({ op: "endpoint-gone", id: "c300@app" });
  client.apply({ op: "container-gone", id: "c300" });
  await client.flushed();
  expect(await relay.addresses("c300")).toEqual(["10.1.1.1"]);
  for (const [socket, mode] of [
    ["relay.sock", 0o600],
    ["control.sock", 0o600],
    ["", 0o700],
  ] as const)
    expect(statSync(join(place.place, socket)).mode & 0o777).toBe(mode);
});

test("others are asked for what isn't known: each query with an id and a port of its own, forgeries not taken", async () => {
  await using all = await world();
  const { world: place } = all;
  const relay = await place.relay("web");
  const many = await Promise.all(Array.from({ length: 50 }, (_, at) => relay.addresses(`n${at}.example`)));
  expect(many).toEqual(Array.from({ length: 50 }, () => ["10.1.1.1"]));
  const asked = await place.asked(relay);
  expect(new Set(asked.map(({ port }) => port)).size).toBeGreaterThan(40);
  expect(new Set(asked.map(({ id }) => id)).size).toBeGreaterThan(45);
  expect(await relay.addresses("spoof.example")).toEqual(["10.1.1.1"]);
  expect(await relay.addresses("nx.example")).toBe(3);
  const denied = (await place.asked(relay)).filter(({ name }) => name === "nx.example");
  expect(denied.map(({ server }) => server)).toEqual(["127.0.0.1"]);
});

test("a truncated answer is fetched by TCP, and cut to what the asker takes", async () => {
  await using all = await world();
  const { world: place } = all;
  const relay = await place.relay("web");
  const small = await relay.ask("big.example");
  expect(small.flags & 0x200).toBe(0x200);
  expect(small.answers.length).toBe(Math.floor((512 - 12 - 17) / 16));
  for (const how of [{ size: 4096 }, { tcp: true }]) {
    const whole = await relay.ask("big.example", how);
    expect(whole.flags & 0x200).toBe(0);
    expect(whole.answers.length).toBe(60);
  }
  expect((await place.asked(relay)).map(({ transport }) => transport)).toEqual([
    "udp",
    "tcp",
    "udp",
    "tcp",
    "tcp",
  ]);
});

test("servers that hang delay no name that is known here, and no other container", async () => {
  await using all = await world();
  const { world: place, client } = all;
  add(client, "other", 13, ["app"]);
  await client.flushed();
  const [relay, other] = [await place.relay("web"), await place.relay("other")];
  const hanging = Array.from({ length: 1024 }, (_, at) => relay.addresses(`hang${at}.example`));
  // One more than may wait is answered at once.
  expect(await relay.addresses("toomany.example")).toBe(2);
  for (let count = 0; count < 20; count += 1) expect(await relay.addresses("web")).toEqual(["172.30.0.11"]);
  expect(await other.addresses("some.example")).toEqual(["10.1.1.1"]);
  expect(relay.order.slice(0, 21)).toEqual(["toomany.example", ...Array.from({ length: 20 }, () => "web")]);
  expect(new Set(await Promise.all(hanging))).toEqual(new Set([2]));
  expect(await relay.addresses("some.example")).toEqual(["10.1.1.1"]);
});

test("a container on internal networks alone asks nobody outside", async () => {
  await using all = await world();
  const { world: place, client } = all;
  add(client, "both", 14, ["inside", "app"]);
  await client.flushed();
  const relay = await place.relay("secret");
  expect(await relay.addresses("secret")).toEqual(["172.30.0.12"]);
  for (const name of ["leak.example", "web", "leak", "secret.app"])
    for (const how of [{}, { tcp: true }, { type: "MX" }, { type: "PTR" }] as const)
      expect(await relay.addresses(name, how)).toBe(2);
  const both = await place.relay("both");
  expect(await both.addresses("asked.example")).toEqual(["10.1.1.1"]);
  expect((await place.asked(both)).map(({ name }) => name)).toEqual(["asked.example"]);
});

test("the host's resolv.conf is followed as it changes", async () => {
  await using all = await world();
  const { world: place } = all;
  const relay = await place.relay("web");
  for (const server of ["127.0.0.2", "127.0.0.3", "127.0.0.1"]) {
    place.useServers([server]);
    expect(await relay.addresses("some.example")).toEqual([`10.1.1.${server.slice(-1)}`]);
  }
  place.useServers([]);
  expect(await relay.addresses("some.example")).toBe(2);
});

test("25,000 queries at 5,000 a second: each is answered", async () => {
  await using all = await world();
  const { world: place } = all;
  const relay = await place.relay("web");
  const [rate, total] = [5000, 25_000];
  const from = performance.now();
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - from) / 1000) * rate));
    const frames: Buffer[] = [];
    for (; sent < due; sent += 1) frames.push(frameOf(sent, sent % 2 === 0 ? "web" : "web.app"));
    if (frames.length > 0) relay.socket.write(Buffer.concat(frames));
    await delay(2);
  }
  await until("25,000 answers", () => relay.answers === total);
});

test("answers go on while no engine is there, also from a resolver that is started anew", async () => {
  await using all = await world();
  const { world: place, client } = all;
  const relay = await place.relay("web");
  await until("the state is written", () => readState(place).includes("secret"));
  client.close();
  expect(await relay.addresses("web")).toEqual(["172.30.0.11"]);
  await place.killResolver();
  place.startResolver();
  const again = await place.relay("web");
  expect(await again.addresses("web")).toEqual(["172.30.0.11"]);
  // The next engine tells everything anew.
  const next = place.client();
  next.replace({
    networks: [{ id: "app", name: "app", internal: false }],
    endpoints: [{ id: "x", network: "app", container: "web", names: ["web"], ipv4: "172.30.0.99" }],
    containers: [{ id: "web", networks: ["app"], links: {}, servers: null, ndots: 0 }],
  });
  await next.flushed();
  expect(await again.addresses("web")).toEqual(["172.30.0.99"]);
});

function readState(place: ResolverWorld): string {
  try {
    return readFileSync(join(place.place, "state.json"), "utf8");
  } catch {
    return "";
  }
}

test("a killed resolver is started again by the engine, and knows what came meanwhile", async () => {
  await using all = await world();
  const { world: place, client } = all;
  await place.relay("web");
  for (let round = 1; round <= 3; round += 1) {
    await place.killResolver();
    add(client, `new${round}`, 100 + round, ["app"]);
    await client.flushed();
    const relay = await place.relay("web");
    expect(await relay.addresses(`new${round}`)).toEqual([`172.30.0.${100 + round}`]);
  }
});

test("an engine of another version brings its own resolver", async () => {
  await using all = await world();
  const { world: place, client } = all;
  const old = place.pid;
  client.close();
  const next = place.client("2");
  add(next, "web", 21, ["app"]);
  await next.flushed();
  expect(place.pid).not.toBe(old);
  expect(old === undefined || runs(old)).toBe(false);
  expect(await (await place.relay("web")).addresses("web")).toEqual(["172.30.0.21"]);
});

test("questions of a container that the engine hasn't spoken of yet wait for it", async () => {
  await using all = await world();
  const { world: place, client } = all;
  const relay = await place.relay("late");
  const answer = relay.addresses("late");
  // What is no question is answered at once: the one before it waits by then.
  relay.socket.write(frameOf(99, "late").fill(0xff, 30));
  await until("the answer to no question", () => relay.answers === 1);
  add(client, "late", 77, ["app"]);
  expect(await answer).toEqual(["172.30.0.77"]);
  const nobody = await place.relay("nobody");
  expect(await nobody.addresses("web")).toBe(2);
});

test("who sends no frames is cut off, who reads no answers isn't read", async () => {
  await using all = await world();
  const { world: place } = all;
  const [good, bad, deaf] = [await place.relay("web"), await place.relay("web"), await place.relay("web")];
  const closed = new Promise((resolve) => bad.socket.once("close", resolve));
  bad.socket.write(Buffer.from([0, 15, 0]));
  await closed;
  deaf.socket.pause();
  const frames = Buffer.concat(Array.from({ length: 10_000 }, (_, at) => frameOf(at, "web")));
  for (let count = 0; count < 20; count += 1) deaf.socket.write(frames);
  // Others are served, and what isn't read stays with the sender.
  for (let count = 0; count < 200; count += 1) expect(await good.addresses("web")).toEqual(["172.30.0.11"]);
  expect(deaf.socket.writableLength).toBeGreaterThan(5 * frames.length);
  deaf.socket.resume();
  await until("200,000 answers", () => deaf.answers === 200_000);
});

test("by TCP a container has 256 connections, and of each 64 questions wait", async () => {
  await using all = await world();
  const { world: place } = all;
  const relay = await place.relay("web");
  const streams: Socket[] = [];
  for (let count = 0; count < 257; count += 1) streams.push(await relay.stream());
  const closed = new Set<Socket>();
  for (const stream of streams) stream.once("close", () => closed.add(stream)).resume();
  await until("one that makes room", () => closed.size > 0);
  expect(closed.size).toBe(1);
  // The last two: who says nothing for ten seconds is closed.
  const [second, third] = streams.filter((stream) => !closed.has(stream)).slice(-2);
  if (second === undefined || third === undefined) throw new Error("no streams");
  const answered: Socket[] = [];
  for (const stream of [second, third]) {
    stream.on("data", () => answered.push(stream));
    for (let at = 0; at < (stream === second ? 64 : 63); at += 1)
      stream.write(frameOf(at, `hang${at}.example`, { tcp: true }));
  }
  // All of it is read when this is answered.
  expect(await relay.addresses("web")).toEqual(["172.30.0.11"]);
  for (const stream of [second, third]) stream.write(frameOf(64, "web", { tcp: true }));
  await until("it is answered", () => answered.includes(third));
  expect(await relay.addresses("web")).toEqual(["172.30.0.11"]);
  expect(answered).toEqual([third]);
  for (const stream of streams) stream.destroy();
});

// These wait for deadlines, and do so side by side.
test.concurrent(
  "a server that fails, refuses or is silent is followed by the next; at most three",
  async () => {
    await using all = await world();
    const { world: place, client } = all;
    add(client, "own", 13, ["app"], ["10.9.9.9", "127.0.0.9", ...upstreams]);
    await client.flushed();
    const [relay, own] = [await place.relay("web"), await place.relay("own")];
    const askedFor = async (name: string): Promise<string[]> =>
      (await place.asked(relay)).filter((seen) => seen.name === name).map(({ server }) => server);
    expect(await relay.addresses("servfail.example")).toBe(2);
    expect(await relay.addresses("refused.example")).toBe(2);
    expect(await askedFor("servfail.example")).toEqual([...upstreams]);
    expect(await askedFor("refused.example")).toEqual([...upstreams]);
    expect(await relay.addresses("hang.example")).toBe(2);
    expect(await askedFor("hang.example")).toEqual([...upstreams]);
    // There is no way to the first of its own, and nobody listens on the second.
    expect(await own.addresses("any.example")).toEqual(["10.1.1.1"]);
    expect(await own.addresses("refused.other")).toBe(2);
    expect(await askedFor("refused.other")).toEqual(["127.0.0.1"]);
  },
);

test.concurrent(
  "without a container there is no resolver, unless one is asked for; one that can't start is told of",
  async () => {
    await using place = await ResolverWorld.start();
    const client = place.client();
    client.apply({ op: "network", network: { id: "app", name: "app", internal: false } });
    await client.flushed();
    expect(place.pid).toBeUndefined();
    await client.ready();
    expect(place.pid).toBeDefined();
    const broken = new ResolverClient({
      directory: join(place.directory, "none"),
      version: "1",
      command: ["/bin/false"],
    });
    const problem = await broken.ready().catch((error: unknown) => error);
    expect(String(problem)).toContain("the resolver of container names does not answer");
    broken.close();
  },
);

test.concurrent("there is one resolver, and it leaves when nobody is there any more", async () => {
  await using all = await world();
  const { world: place, client } = all;
  const { pid } = place;
  const second = place.startResolver();
  expect(await new Promise((resolve) => second.once("exit", resolve))).toBe(0);
  expect(place.pid).toBe(pid);
  expect(await (await place.relay("web")).addresses("web")).toEqual(["172.30.0.11"]);
  const relay = await place.relay("web");
  relay.socket.destroy();
  client.apply({ op: "container-gone", id: "web" });
  client.apply({ op: "container-gone", id: "secret" });
  expect(pid).toBeDefined();
  await place.closeRelays();
  await until("the resolver's leaving", () => pid === undefined || !runs(pid));
  expect(place.pid).toBeUndefined();
  // Started again by the next container.
  add(client, "web", 15, ["app"]);
  await client.flushed();
  expect(await (await place.relay("web")).addresses("web")).toEqual(["172.30.0.15"]);
});
