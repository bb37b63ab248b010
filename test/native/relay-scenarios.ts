/**
 * What relay.test.ts looks at.
 * @module
 */
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { perform } from "./namespaced.ts";
import { startRole } from "./roles.ts";
import { until } from "./shims.ts";

const PORT = 5353;
const ID = "c0ffee".padEnd(64, "0");
const TCP = 1;
const LEAVE = 255;
const folder = mkdtempSync(join(tmpdir(), "caisson-relay-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
// Longer than what fits into a socket's address.
mkdirSync(join(folder, "x".repeat(120)));
const path = join(folder, "x".repeat(120), "resolver.sock");

/** What a relay sent, and where to answer. */
interface Query {
  readonly tag: number;
  readonly transport: number;
  readonly message: Buffer;
  readonly from: Socket;
}

interface Resolver {
  readonly server: Server;
  readonly hellos: string[];
  readonly relays: Socket[];
}

/** Writes `stream`'s messages of u16 length and bytes to `take`. */
function messages(stream: Socket, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on("error", () => undefined);
  stream.on("data", (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      take(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
  });
}

function framed(...parts: readonly Uint8Array[]): Buffer {
  const message = Buffer.concat(parts);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function answer(
  { tag, transport, from }: Pick<Query, "tag" | "transport" | "from">,
  message: Uint8Array,
): void {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(tag);
  header[4] = transport;
  from.write(framed(header, message));
}

/** A resolver that has `handle` answer. */
async function resolver(handle: (query: Query) => void): Promise<Resolver> {
  const hellos: string[] = [];
  const relays: Socket[] = [];
  const server = createServer((from) => {
    relays.push(from);
    messages(from, (frame) => {
      const query = {
        tag: frame.readUInt32BE(0),
        transport: frame[4] ?? 0,
        message: frame.subarray(5),
        from,
      };
      if (query.transport === 2) hellos.push(`${query.tag.toString(16)} ${query.message.toString()}`);
      else handle(query);
    });
  });
  // By way of the working directory, since it has the same limit.
  process.chdir(dirname(path));
  server.listen("resolver.sock");
  await once(server, "listening");
  return { server, hellos, relays };
}

async function start(): Promise<number> {
  return await startRole(
    ["caisson-relay", path, ID],
    [
      { type: "datagram", family: 4, port: PORT },
      { type: "stream", family: 4, port: PORT },
    ],
  );
}

async function asker(take: (message: Buffer) => void): Promise<Datagrams> {
  const socket = createSocket("udp4");
  socket.on("message", take);
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

const echo = (query: Query): void => answer(query, query.message);

/** 5,000 queries that the resolver answers when it has them all. */
async function flood(): Promise<unknown> {
  const COUNT = 5000;
  const waiting: Query[] = [];
  const { hellos } = await resolver((query) => waiting.push(query));
  await start();
  const answered = new Set<string>();
  const socket = await asker((message) => answered.add(message.toString()));
  for (let i = 0; i < COUNT; i++) {
    socket.send(`query ${i} ${"x".repeat(40)}`, PORT, "127.0.0.1");
    if (i % 100 === 0) await delay(1);
  }
  await until("they arrive", () => waiting.length >= COUNT);
  for (const [i, query] of waiting.entries()) {
    echo(query);
    // The asker's own buffer holds only some hundreds.
    if (i % 100 === 99) await until("these are answered", () => answered.size > i);
  }
  return { hellos, answered: answered.size, tags: new Set(waiting.map(({ tag }) => tag)).size };
}

/** Two connections with several queries each, cut in odd places, whose answers come in another order. */
async function streams(): Promise<unknown> {
  const waiting: Query[] = [];
  await resolver((query) => waiting.push(query));
  await start();
  const long = Buffer.alloc(20_000, "l");
  const got: string[][] = [[], []];
  const clients = [0, 1].map((client) => {
    const socket = connect({ port: PORT, host: "127.0.0.1", allowHalfOpen: true });
    messages(socket, (message) => got[client]?.push(`${message.toString("latin1", 0, 3)} ${message.length}`));
    return socket;
  });
  for (const [i, client] of clients.entries()) {
    const bytes = Buffer.concat([
      framed(Buffer.from(`a${i}.`)),
      framed(Buffer.from(`b${i}.`), long),
      framed(Buffer.from(`c${i}.`)),
    ]);
    for (const [from, to] of [
      [0, 1],
      [1, 7],
      [7, 11_000],
      [11_000, bytes.length - 1],
    ]) {
      client.write(bytes.subarray(from, to));
      await delay(20);
    }
    // No more queries, but the answers are still wanted.
    client.end(bytes.subarray(bytes.length - 1));
  }
  await until("they arrive", () => waiting.length === 6);
  const transports = new Set(waiting.map(({ transport }) => transport));
  const ends = Promise.all(clients.map((client) => once(client, "end")));
  for (const query of waiting.reverse()) echo(query);
  await ends;
  return { got, transports: [...transports], tags: new Set(waiting.map(({ tag }) => tag)).size };
}

/** One connection that has more to ask than may wait at once, and whose last message never comes as a whole. */
async function pipelined(): Promise<unknown> {
  let most = 0;
  const waiting: Query[] = [];
  await resolver((query) => {
    waiting.push(query);
    most = Math.max(most, waiting.length);
  });
  await start();
  const got: string[] = [];
  const client = connect({ port: PORT, host: "127.0.0.1", allowHalfOpen: true });
  messages(client, (message) => got.push(message.toString()));
  const all = Array.from({ length: 200 }, (_, i) => `query ${i}`);
  client.write(Buffer.concat(all.map((query) => framed(Buffer.from(query)))));
  client.end(Buffer.from([0, 9, 1, 2]));
  const ended = once(client, "end");
  while (got.length < all.length) {
    await delay(20);
    for (const query of waiting.splice(0)) echo(query);
  }
  await ended;
  return { most, right: got.join() === all.join() };
}

/** The resolver goes and comes back; a query in between waits for it, and a connection with one closes. */
async function restart(): Promise<unknown> {
  const first = await resolver(() => undefined);
  await start();
  await until("its hello", () => first.hellos.length === 1);
  const client = connect({ port: PORT, host: "127.0.0.1" });
  const seen: string[] = [];
  const closed = new Promise((resolve) => client.on("close", resolve));
  client.on("error", () => undefined).write(framed(Buffer.from("lost")));
  await delay(50);
  first.server.close();
  for (const relay of first.relays) relay.destroy();
  await closed;
  await until("its socket's end", () => !existsSync(path));
  const socket = await asker((message) => seen.push(message.toString()));
  socket.send("between", PORT, "127.0.0.1");
  const late = connect({ port: PORT, host: "127.0.0.1" });
  messages(late, (message) => seen.push(message.toString()));
  late.write(framed(Buffer.from("by TCP")));
  await delay(100);
  const second = await resolver(echo);
  await until("both answers", () => seen.length === 2);
  return { hellos: second.hellos, seen: seen.toSorted() };
}

/** What waited for more than a second is thrown away; what came later is not. */
async function stale(): Promise<unknown> {
  const asked: string[] = [];
  await start();
  const socket = await asker(() => undefined);
  socket.send("old", PORT, "127.0.0.1");
  await delay(2000);
  socket.send("new", PORT, "127.0.0.1");
  const { relays } = await resolver(({ message }) => asked.push(message.toString()));
  await until("the new one", () => asked.includes("new"));
  return { asked, relays: relays.length };
}

/** An answer that comes twice, one with a wrong tag and one of an unknown transport reach nobody. */
async function nobody(): Promise<unknown> {
  const seen: string[] = [];
  await resolver((query) => {
    answer({ ...query, tag: query.tag ^ 0x10000 }, Buffer.from("another's"));
    answer({ ...query, tag: 0xffffffff }, Buffer.from("nobody's"));
    answer({ ...query, transport: TCP }, Buffer.from("by TCP"));
    answer({ ...query, transport: 7 }, Buffer.from("unknown"));
    echo(query);
    answer(query, Buffer.from("twice"));
  });
  await start();
  const socket = await asker((message) => seen.push(message.toString()));
  socket.send("one", PORT, "127.0.0.1");
  await until("one", () => seen.includes("one"));
  socket.send("two", PORT, "127.0.0.1");
  await until("two", () => seen.includes("two"));
  return seen;
}

/** The resolver tells it to leave. */
async function leave(): Promise<unknown> {
  const { relays, hellos } = await resolver(() => undefined);
  const pid = await start();
  await until("its hello", () => hellos.length === 1);
  const [from] = relays;
  if (from !== undefined) answer({ tag: 0, transport: LEAVE, from }, Buffer.alloc(0));
  await until("its end", () => !existsSync(`/proc/${pid}/fd/3`));
  return "left";
}

await perform({ flood, streams, pipelined, restart, stale, nobody, leave });
