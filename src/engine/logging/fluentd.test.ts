import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exampleRecord } from "../testing.ts";
import { fluentd } from "./fluentd.ts";
import { packMapHead, packText } from "./msgpack.ts";
import type { LogLine, RemoteLog, SinkHost } from "./remote.ts";

const record = exampleRecord({ config: { Labels: { a: "1", source: "no", log: "no" } } });
const info = { record, name: "web" };
const noHost: SinkHost = {
  session: () => {
    throw new RangeError("not needed");
  },
  has: async () => true,
  read: async () => new Uint8Array(),
};

/** As much of MessagePack as a test needs. */
function unpack(bytes: Buffer): unknown[] {
  let at = 0;
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const text = (length: number): string => take(length).toString();
  const map = (pairs: number): object =>
    Object.fromEntries(Array.from({ length: pairs }, () => [String(value()), value()]));
  const value = (): unknown => {
    const head = take(1)[0] ?? 0;
    if (head >> 4 === 0x8) return map(head & 0xf);
    if (head === 0xde) return map(take(2).readUInt16BE());
    if (head >> 4 === 0x9) return Array.from({ length: head & 0xf }, value);
    if (head >> 5 === 0b101) return text(head & 0x1f);
    if (head === 0xd9) return text(take(1)[0] ?? 0);
    if (head === 0xda) return text(take(2).readUInt16BE());
    if (head === 0xce) return take(4).readUInt32BE();
    if (head === 0xd7)
      return { type: take(1)[0], seconds: take(4).readUInt32BE(), rest: take(4).readUInt32BE() };
    throw new RangeError(`head ${head.toString(16)} at ${at}`);
  };
  const values: unknown[] = [];
  while (at < bytes.length) values.push(value());
  return values;
}

function decode(remote: RemoteLog, line: Partial<LogLine> = {}): unknown {
  const time = 1_700_000_000_123_456_789n;
  const message = remote.encode({ stream: "stdout", text: Buffer.from("hello"), time, ...line });
  return unpack(Buffer.concat([message ?? Buffer.alloc(0), packMapHead(0)]))[0];
}

test("a message is [tag, time, record, options] with Docker's fields", () => {
  const remote = fluentd.open(info, { labels: "a,source,log", tag: "t.{{.Name}}" });
  expect(decode(remote, { stream: "stderr" })).toEqual([
    "t.web",
    1_700_000_000,
    { container_id: record.id, container_name: "/web", a: "1", source: "stderr", log: "hello" },
    {},
  ]);
});

test("pieces of a line, and times to the nanosecond", () => {
  const remote = fluentd.open(info, { "fluentd-sub-second-precision": "true" });
  const piece = { id: "p", ordinal: 2, last: false };
  expect(decode(remote, { piece })).toEqual([
    record.id.slice(0, 12),
    { type: 0, seconds: 1_700_000_000, rest: 123_456_789 },
    {
      partial_message: "true",
      partial_id: "p",
      partial_ordinal: "2",
      partial_last: "false",
      container_id: record.id,
      container_name: "/web",
      source: "stdout",
      log: "hello",
    },
    {},
  ]);
});

test("many attributes need a longer map", () => {
  const Labels = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`l${i}`, "x".repeat(300)]));
  const many = { record: exampleRecord({ config: { Labels } }), name: "web" };
  const found = decode(fluentd.open(many, { "labels-regex": "^l" })) as [string, number, object, object];
  expect(Object.keys(found[2])).toHaveLength(24);
  expect(found[2]).toMatchObject(Labels);
});

test("what the options say about connections", () => {
  const of = (options: Readonly<Record<string, string>>): object => {
    const { connectsAtStart, retryWait, retries, batch, renewal } = fluentd.open(info, options);
    return { connectsAtStart, retryWait, retries, batch, renewal };
  };
  const usual = { connectsAtStart: true, retryWait: 1000, retries: undefined, batch: 262_144 };
  expect(of({})).toEqual({ ...usual, renewal: undefined });
  expect(
    of({
      "fluentd-async": "true",
      "fluentd-retry-wait": "250ms",
      "fluentd-max-retries": "0",
      "fluentd-buffer-limit": "8k",
      "fluentd-async-reconnect-interval": "10s",
    }),
  ).toEqual({ connectsAtStart: false, retryWait: 250, retries: 0, batch: 8192, renewal: 10_000 });
  expect(of({ "fluentd-async-reconnect-interval": "0s" })).toEqual({ ...usual, renewal: undefined });
  for (const value of ["99ms", "10001ms"])
    expect(() => fluentd.check({ "fluentd-async-reconnect-interval": value })).toThrow(
      `value (${value}) must be between 100ms and 10s`,
    );
});

let folder: string;
let server: Server;
/** What the server does with a message. */
let answer: (socket: Socket, chunk: string) => void;
const got: unknown[] = [];

beforeEach(async () => {
  got.length = 0;
  folder = mkdtempSync(join(tmpdir(), "caisson-fluentd-"));
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      const messages = unpack(bytes) as [string, number, object, { chunk?: string }][];
      got.push(...messages);
      for (const [, , , options] of messages) if (options.chunk !== undefined) answer(socket, options.chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const ack = (chunk: string): Buffer => Buffer.concat([packMapHead(1), packText("ack"), packText(chunk)]);

function opened(options: Readonly<Record<string, string>> = {}): RemoteLog {
  return fluentd.open(info, { "fluentd-address": `unix://${join(folder, "s")}`, ...options });
}

function lines(remote: RemoteLog, count: number): Buffer[] {
  return Array.from(
    { length: count },
    (_, i) =>
      remote.encode({ stream: "stdout", text: Buffer.from(`line ${i}`), time: 0n }) ?? Buffer.alloc(0),
  );
}

test("the last message of a batch asks for an acknowledgement, and it is waited for", async () => {
  const remote = opened();
  const sink = await remote.connect(noHost);
  const asked = Promise.withResolvers<[Socket, string]>();
  answer = (socket, chunk) => asked.resolve([socket, chunk]);
  let done = false;
  expect(sink.certain).toBe(false);
  const sent = sink.send(lines(remote, 3)).then(() => (done = true));
  const [socket, chunk] = await asked.promise;
  // One of somebody else's says nothing, and one may come in pieces.
  socket.write(ack("another"));
  const whole = ack(chunk);
  socket.write(whole.subarray(0, 7));
  await Bun.sleep(20);
  expect(done).toBe(false);
  socket.write(whole.subarray(7));
  await sent;
  expect(sink.certain).toBe(true);
  expect(got).toHaveLength(3);
  expect(got.map((message) => Object.keys((message as object[])[3] ?? {}))).toEqual([[], [], ["chunk"]]);
  sink.close();
});

test("a connection that is lost before the acknowledgement fails the batch", async () => {
  const remote = opened({ "fluentd-request-ack": "true" });
  const sink = await remote.connect(noHost);
  answer = (socket) => void socket.destroy();
  expect(sink.send(lines(remote, 1))).rejects.toThrow(/connection/);
  expect(sink.send(lines(remote, 1))).rejects.toThrow(/connection/);
});
