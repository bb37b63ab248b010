import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSocket } from "node:dgram";
import type { Program, RunOptions } from "../../kernel/mod.ts";
import { FakeSession } from "../../storage/fake-session.ts";
import { openStream, openUdp, openUnixDatagrams } from "./sinks.ts";

let folder: string;
let path: string;
let server: Server;
let sockets: Socket[];
let heard: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "caisson-sinks-"));
  path = join(folder, "s");
  sockets = [];
  heard = "";
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => (heard += bytes.toString()));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await Bun.sleep(5);
  expect(condition()).toBe(true);
}

test("a stream sends in order, and hears", async () => {
  const sink = await openStream({ network: "unix", path });
  let answered = "";
  sink.onData = (chunk) => (answered += chunk.toString());
  await sink.send([Buffer.from("a"), Buffer.from("b")]);
  await sink.send([Buffer.from("c")]);
  await until(() => heard === "abc");
  sockets[0]?.write("ok");
  await until(() => answered === "ok");
  sink.close();
  expect(sink.send([Buffer.from("d")])).rejects.toThrow("the connection was closed");
});

test("a stream whose server goes is lost, once", async () => {
  const sink = await openStream({ network: "unix", path });
  const lost: string[] = [];
  sink.onLost = (error) => lost.push(error.message);
  await until(() => sockets.length === 1);
  sockets[0]?.end();
  await until(() => lost.length > 0);
  expect(lost[0]).toBe("the server closed the connection");
  expect(sink.send([Buffer.from("x")])).rejects.toThrow("the server closed the connection");
});

test("a write that takes too long loses the connection", async () => {
  const sink = await openStream({ network: "unix", path }, 100);
  await until(() => sockets.length === 1);
  sockets[0]?.pause();
  expect(sink.send([Buffer.alloc(32 << 20)])).rejects.toThrow("write: i/o timeout");
});

test("who isn't there is told of in Go's words", async () => {
  const nobody = join(folder, "nobody");
  expect(openStream({ network: "unix", path: nobody })).rejects.toThrow(
    `dial unix ${nobody}: connect: no such file or directory`,
  );
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
  const address = free.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  await new Promise((resolve) => free.close(resolve));
  expect(openStream({ network: "tcp", host: "127.0.0.1", port })).rejects.toThrow(
    `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  );
});

test("a datagram nobody takes is no error", async () => {
  const receiver = createSocket("udp4");
  await new Promise<void>((resolve) => receiver.bind(0, "127.0.0.1", resolve));
  const got: string[] = [];
  receiver.on("message", (bytes) => got.push(bytes.toString()));
  const sink = await openUdp("127.0.0.1", receiver.address().port);
  await sink.send([Buffer.from("a"), Buffer.alloc(70_000), Buffer.from("b")]);
  await until(() => got.length === 2);
  expect(got).toEqual(["a", "b"]);
  sink.close();
  receiver.close();
});

test("unix datagrams go by programs of at most 256, with a deadline each", async () => {
  const fake = new FakeSession();
  let closed = 0;
  const deadlines: (number | undefined)[] = [];
  const session = {
    close: () => void closed++,
    // Its slots are the session's: another process has no socket there.
    run: (program: Program, options?: RunOptions) => {
      deadlines.push(options?.deadline);
      return fake.run(program);
    },
  };
  const sink = await openUnixDatagrams("/dev/log", () => session as never);
  const [opening] = fake.programs;
  expect(opening?.operations.map(({ call }) => call)).toEqual(["socket", "connect"]);
  // struct sockaddr_un: AF_UNIX in the host's order, the path, a NUL.
  const address = opening?.operations[1]?.args[1] as { readonly bytes: Uint8Array };
  expect(Buffer.from(address.bytes).toString("latin1")).toBe("\x01\0/dev/log\0");
  await sink.send(Array.from({ length: 300 }, (_, i) => Buffer.from(`record ${i}`)));
  expect(fake.programs.slice(1).map(({ operations }) => operations.length)).toEqual([256, 44]);
  expect(deadlines).toEqual([undefined, 10_000, 10_000]);
  sink.close();
  expect(closed).toBe(1);
});

test("an executor whose socket can't be connected is closed", async () => {
  let closed = 0;
  const session = {
    run: () => Promise.reject(Object.assign(new Error("x"), { code: "ENOENT" })),
    close: () => void closed++,
  };
  expect(openUnixDatagrams("/dev/log", () => session as never)).rejects.toThrow(
    "dial unixgram /dev/log: connect: no such file or directory",
  );
  expect(closed).toBe(1);
});
