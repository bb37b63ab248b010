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
import { encodeFrame, FrameReader, type Frame } from "../../src/network/dns/frames.ts";
import { perform } from "./namespaced.ts";
import { startRole } from "./roles.ts";
import { until } from "./shims.ts";

const PORT = 5353;
const ID = "c0ffee".padEnd(64, "0");
const folder = mkdtempSync(join(tmpdir(), "caisson-relay-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
// Longer than what fits into a socket's address.
mkdirSync(join(folder, "x".repeat(120)));
const path = join(folder, "x".repeat(120), "resolver.sock");

/** What a relay sent, and where to answer. */
interface Query {
  readonly frame: Frame;
  readonly text: string;
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

/** A resolver that has `handle` answer. */
async function resolver(handle: (query: Query) => void): Promise<Resolver> {
  const hellos: string[] = [];
  const relays: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (from) => {
    const reader = new FrameReader();
    relays.push(from);
    from.on("error", () => undefined);
    from.on("data", (chunk: Buffer) => {
      const before = reader.hello;
      const frames = reader.push(chunk) ?? [];
      if (before === undefined && reader.hello !== undefined)
        hellos.push(`${reader.hello.transport} ${reader.hello.container}`);
      for (const frame of frames)
        handle({ frame, text: Buffer.from(frame.message).toString("latin1"), from });
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

const echo = ({ frame, from }: Query): void => void from.write(encodeFrame(frame));

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
  return { hellos, answered: answered.size };
}

/** Two connections with several queries each, cut in odd places, whose answers come in another order. */
async function streams(): Promise<unknown> {
  const waiting: Query[] = [];
  const { hellos } = await resolver((query) => waiting.push(query));
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
  const ends = Promise.all(clients.map((client) => once(client, "end")));
  for (const query of waiting.toReversed()) echo(query);
  for (const { from } of waiting) from.end();
  await ends;
  return { got, hellos: hellos.toSorted(), connections: new Set(waiting.map(({ from }) => from)).size };
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
  return { hellos: second.hellos.toSorted(), seen: seen.toSorted() };
}

/** A resolver that says what is no frame is left, and asked anew. */
async function nonsense(): Promise<unknown> {
  const seen: string[] = [];
  const { hellos } = await resolver((query) => {
    if (query.text === "one") query.from.write(Buffer.from([0, 3, 1, 2, 3]));
    else echo(query);
  });
  await start();
  const socket = await asker((message) => seen.push(message.toString()));
  socket.send("one", PORT, "127.0.0.1");
  await until("its second hello", () => hellos.length === 2);
  socket.send("two", PORT, "127.0.0.1");
  await until("two", () => seen.includes("two"));
  return { hellos, seen };
}

await perform({ flood, streams, restart, nonsense });
