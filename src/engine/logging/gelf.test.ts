import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { gunzipSync, inflateSync } from "node:zlib";
import { exampleRecord } from "../testing.ts";
import { gelf } from "./gelf.ts";
import type { LogLine, RemoteLog, SinkHost } from "./remote.ts";

const record = exampleRecord({ config: { Labels: { a: "1", _b: "2" }, Env: ["E=3"] } });
const info = { record: { ...record, path: "sh", args: ["-c", "x y"] }, name: "web" };
const noHost: SinkHost = {
  session: () => {
    throw new RangeError("not needed");
  },
  has: async () => true,
  read: async () => new Uint8Array(),
};

function open(options: Readonly<Record<string, string>>): RemoteLog {
  return gelf.open(info, options);
}

function line(text: string, more: Partial<LogLine> = {}): LogLine {
  return { stream: "stdout", text: Buffer.from(text), time: 1_700_000_000_123_456_789n, ...more };
}

test("a message has GELF 1.1's fields and Docker's", () => {
  const remote = open({ "gelf-address": "tcp://127.0.0.1:1", labels: "a,_b", env: "E", tag: "{{.Name}}!" });
  const message = remote.encode(line("hello", { stream: "stderr" }));
  expect(message?.at(-1)).toBe(0);
  expect(JSON.parse(String(message?.subarray(0, -1)))).toEqual({
    version: "1.1",
    host: hostname(),
    short_message: "hello",
    timestamp: 1_700_000_000.123,
    level: 3,
    _command: "sh -c x y",
    _container_id: record.id,
    _container_name: "web",
    _created: "2026-01-02T03:04:05.6Z",
    _image_id: record.imageId,
    _image_name: "busybox",
    _tag: "web!",
    _a: "1",
    // Docker puts one underline before names that have none.
    _b: "2",
    _E: "3",
  });
});

test("by UDP it is compressed as asked; stdout is level 6; without text there is no message", () => {
  const address = "udp://127.0.0.1:1";
  const read = (options: object, unpack: (bytes: Buffer) => Buffer): unknown => {
    const message = open({ "gelf-address": address, ...options }).encode(line("x")) ?? Buffer.alloc(0);
    return (JSON.parse(unpack(message).toString()) as { level: number }).level;
  };
  expect(read({}, (bytes) => gunzipSync(bytes))).toBe(6);
  expect(
    read({ "gelf-compression-type": "zlib", "gelf-compression-level": "9" }, (bytes) => inflateSync(bytes)),
  ).toBe(6);
  expect(read({ "gelf-compression-type": "none" }, (bytes) => bytes)).toBe(6);
  expect(open({ "gelf-address": address }).encode(line(""))).toBeUndefined();
});

test("a long message goes in chunks of 1420 bytes, one that needs more than 128 not at all", async () => {
  const socket = createSocket("udp4");
  const got: Buffer[] = [];
  socket.on("message", (bytes) => got.push(bytes));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  const remote = open({ "gelf-address": `udp://127.0.0.1:${port}`, "gelf-compression-type": "none" });
  const sink = await remote.connect(noHost);
  const [long, huge, short] = [4000, 200_000, 10].map((n) => remote.encode(line("x".repeat(n))));
  if (long === undefined || huge === undefined || short === undefined) throw new RangeError("no message");
  await sink.send([huge, long, short]);
  const count = Math.ceil(long.length / 1408);
  while (got.length < count + 1) await Bun.sleep(2);
  const chunks = got.slice(0, count);
  expect(got[count]).toEqual(short);
  expect(new Set(chunks.map((c) => c.subarray(0, 10).toString("hex"))).size).toBe(1);
  expect(chunks[0]?.subarray(0, 2).toString("hex")).toBe("1e0f");
  expect(chunks.map((c) => [c[10], c[11]])).toEqual(chunks.map((_, i) => [i, count]));
  expect(chunks.slice(0, -1).every((c) => c.length === 1420)).toBe(true);
  expect(Buffer.concat(chunks.map((c) => c.subarray(12))).equals(long)).toBe(true);
  sink.close();
  socket.close();
});

test("by TCP; how often it is tried is the options' business", async () => {
  const server = createServer();
  const bytes = new Promise<string>((resolve) => {
    server.on("connection", (socket) => socket.once("data", (data) => resolve(String(data))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const remote = open({
    "gelf-address": `tcp://127.0.0.1:${port}`,
    "gelf-tcp-max-reconnect": "3",
    "gelf-tcp-reconnect-delay": "2",
  });
  expect([remote.retries, remote.retryWait]).toEqual([3, 2000]);
  const sink = await remote.connect(noHost);
  await sink.send([Buffer.from("a\0"), Buffer.from("b\0")]);
  expect(await bytes).toBe("a\0b\0");
  sink.close();
  server.close();
});

test("a server that isn't there is said in Docker's words", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  await new Promise((resolve) => server.close(resolve));
  const remote = open({ "gelf-address": `tcp://127.0.0.1:${port}` });
  expect(remote.connect(noHost)).rejects.toThrow(
    `gelf: cannot connect to GELF endpoint: 127.0.0.1:${port} dial tcp 127.0.0.1:${port}: connect: connection refused`,
  );
});
