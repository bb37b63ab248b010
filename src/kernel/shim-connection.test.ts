import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { messageOf } from "../errors/mod.ts";
import { attachToShim, ShimConnection, type ShimState } from "./shim-connection.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-shim-`);
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true });
});

/** A shim that takes one client; `received` is what came of it. */
async function shim(): Promise<{
  readonly path: string;
  readonly client: Promise<Socket>;
  readonly received: (length: number) => Promise<Buffer>;
}> {
  const path = `${directory}/${servers.length}.sock`;
  const { promise: client, resolve } = Promise.withResolvers<Socket>();
  let bytes = Buffer.alloc(0);
  let arrived = (): void => {};
  const server = createServer((socket) => {
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      arrived();
    });
    resolve(socket);
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(path, listening));
  const received = async (length: number): Promise<Buffer> => {
    while (bytes.length < length) await new Promise<void>((next) => (arrived = next));
    return bytes;
  };
  return { path, client, received };
}

function state(phase: number, pid: number, code: number, signal: number): Buffer {
  const message = Buffer.alloc(40);
  message.writeUInt32LE(32, 0);
  message.writeUInt16LE(1, 4);
  message.writeUInt8(phase, 8);
  message.writeInt32LE(pid, 12);
  message.writeInt32LE(code, 16);
  message.writeInt32LE(signal, 20);
  message.writeBigUInt64LE(1_700_000_000_000_000_001n, 24);
  message.writeBigUInt64LE(1_700_000_000_000_000_002n, 32);
  return message;
}

/** What a connection heard. */
function hearing(): {
  readonly states: ShimState[];
  readonly onState: (state: ShimState) => void;
  readonly lost: Promise<string>;
  readonly onLost: () => void;
  readonly heard: (count: number) => Promise<void>;
} {
  const states: ShimState[] = [];
  const { promise: lost, resolve } = Promise.withResolvers<string>();
  let woken = (): void => {};
  return {
    states,
    onState: (one) => {
      states.push(one);
      woken();
    },
    lost,
    onLost: () => resolve("lost"),
    heard: async (count) => {
      while (states.length < count) await new Promise<void>((next) => (woken = next));
    },
  };
}

test("states come whole, however they are cut; other messages are passed over", async () => {
  const { path, client, received } = await shim();
  const ears = hearing();
  const connection = await ShimConnection.open(path, ears.onState, ears.onLost);
  expect([...(await received(8))]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  const unknown = Buffer.from([3, 0, 0, 0, 99, 0, 0, 0, 1, 2, 3]);
  const bytes = Buffer.concat([state(2, 42, 0, 0), unknown, state(3, 42, 137, 9)]);
  const socket = await client;
  socket.setNoDelay();
  for (const [from, to] of [
    [0, 5],
    [5, 60],
    [60, bytes.length],
  ] as const) {
    socket.write(bytes.subarray(from, to));
    await Bun.sleep(1);
  }
  await ears.heard(2);
  expect(ears.states.map(({ phase }) => phase)).toEqual(["running", "exited"]);
  expect(ears.states[1]).toEqual({
    phase: "exited",
    pid: 42,
    code: 137,
    signal: 9,
    started: 1_700_000_000_000_000_001n,
    finished: 1_700_000_000_000_000_002n,
    failure: { index: 0, errno: 0 },
  });
  connection.close();
});

test("orders are messages of PROTOCOL.md", async () => {
  const { path, received } = await shim();
  const ears = hearing();
  const connection = await ShimConnection.open(path, ears.onState, ears.onLost);
  connection.signal(15);
  connection.resize(40, 120);
  connection.expect(1);
  connection.closeStdin();
  const bytes = await received(8 + 4 * 8);
  expect(bytes.subarray(8).toString("hex").match(/.{16}/g)).toEqual([
    "010000000f000000",
    "0200000028007800",
    "0600000001000000",
    "0300000000000000",
  ]);
  connection.close();
});

test("a shim that goes without a word is lost; one that said exited, or was let go of, isn't", async () => {
  const silent = await shim();
  const first = hearing();
  await ShimConnection.open(silent.path, first.onState, first.onLost);
  (await silent.client).destroy();
  expect(await first.lost).toBe("lost");

  const orderly = await shim();
  const second = hearing();
  await ShimConnection.open(orderly.path, second.onState, second.onLost);
  (await orderly.client).end(state(3, 1, 0, 0));
  await second.heard(1);
  const left = await shim();
  const third = hearing();
  const connection = await ShimConnection.open(left.path, third.onState, third.onLost);
  connection.close();
  // An order to a shim that was let go of goes nowhere, quietly.
  connection.signal(9);
  const later = Bun.sleep(5).then(() => "nothing");
  expect(await Promise.race([second.lost, third.lost, later])).toBe("nothing");
});

test("attaching says which streams", async () => {
  const { path, client, received } = await shim();
  const socket = await attachToShim(path, { stdin: true, stdout: false, stderr: true });
  expect([...(await received(8)).subarray(0, 2)]).toEqual([2, 5]);
  const output = new Promise<string>((resolve) =>
    socket.once("data", (bytes: Buffer) => resolve(String(bytes))),
  );
  (await client).write("out");
  expect(await output).toBe("out");
  socket.destroy();
});

test("nobody there is an error that names the socket", async () => {
  const path = `${directory}/none.sock`;
  const failed = await attachToShim(path, { stdin: false, stdout: true, stderr: true }).then(
    () => "",
    messageOf,
  );
  expect(failed).toStartWith(`connect to the shim at ${path}: `);
});

test("a shim that was gone before it got its work is told as lost", async () => {
  const line = ShimConnection.nowhere();
  line.close();
  while (!line.lost) await new Promise((resolve) => setTimeout(resolve, 1));
  const told: string[] = [];
  line.start(
    Buffer.alloc(16),
    () => told.push("state"),
    () => told.push("lost"),
  );
  expect(told).toEqual(["lost"]);
});

test("what a later version says is told apart from a state, and the line goes on", async () => {
  const { path, client } = await shim();
  const { states, onState, onLost, heard } = hearing();
  const strange: string[] = [];
  const line = await ShimConnection.open(path, onState, onLost, (why) => strange.push(why));
  const later = state(2, 1, 0, 0);
  later.writeUInt8(2, 9);
  const short = Buffer.alloc(9);
  short.writeUInt32LE(1, 0);
  short.writeUInt16LE(1, 4);
  const unknown = state(77, 1, 0, 0);
  const otherType = Buffer.alloc(8);
  otherType.writeUInt16LE(9, 4);
  (await client).write(Buffer.concat([later, otherType, short, unknown, state(2, 5, 0, 0)]));
  await heard(1);
  expect(states.map(({ phase, pid }) => [phase, pid])).toEqual([["running", 5]]);
  expect(strange).toEqual([
    "it speaks version 2 of its protocol, and this engine no more than 1",
    "its state has 1 bytes, and must have 32 at least",
    "it is in phase 77, which this engine doesn't know",
  ]);
  line.close();
});
