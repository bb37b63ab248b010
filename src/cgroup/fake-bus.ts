/**
 * A bus in this process for unit tests: speaks D-Bus to whoever connects, and answers as it is told.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { decodeMessage, encodeMessage, messageLength, type BusMessage, type BusValue } from "./dbus-wire.ts";

/** What to answer a call with. */
export interface FakeAnswer {
  readonly signature?: string;
  readonly body?: readonly BusValue[];
  readonly error?: string;
  /** Signals of systemd's manager that go out before the answer, and after it. */
  readonly before?: readonly FakeSignal[];
  readonly after?: readonly FakeSignal[];
}

export interface FakeSignal {
  readonly member: string;
  readonly signature: string;
  readonly body: readonly BusValue[];
}

export interface FakeBus extends AsyncDisposable {
  readonly path: string;
  readonly calls: readonly BusMessage[];
  /** The lines that clients said to authenticate. */
  readonly greetings: readonly string[];
  /** Ends all connections. */
  disconnect(): void;
}

/** Starts a bus whose `answer` gets each call; undefined: no answer. */
export async function startFakeBus(
  answer: (call: BusMessage) => FakeAnswer | undefined,
  greeting = "OK 0123456789abcdef",
): Promise<FakeBus> {
  const directory = mkdtempSync(`${tmpdir()}/caisson-bus-`);
  const path = `${directory}/socket`;
  const calls: BusMessage[] = [];
  const greetings: string[] = [];
  const sockets = new Set<Socket>();
  let serial = 0;

  function send(socket: Socket, message: Omit<BusMessage, "serial">): void {
    const bytes = encodeMessage({ ...message, serial: ++serial });
    // In two pieces: a client must not take a read for a message.
    socket.write(bytes.subarray(0, 20));
    socket.write(bytes.subarray(20));
  }

  function signals(socket: Socket, list: readonly FakeSignal[] = []): void {
    const manager = { path: "/org/freedesktop/systemd1", interface: "org.freedesktop.systemd1.Manager" };
    for (const signal of list) send(socket, { type: "signal", ...manager, ...signal });
  }

  function respond(socket: Socket, call: BusMessage): void {
    const given = answer(call);
    if (given === undefined) return;
    signals(socket, given.before);
    const { error, signature = "", body = [] } = given;
    const replySerial = call.serial;
    if (error === undefined) send(socket, { type: "reply", replySerial, signature, body });
    else send(socket, { type: "error", replySerial, errorName: error, signature: "s", body: ["it failed"] });
    signals(socket, given.after);
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    let buffer = Buffer.alloc(0);
    let known = false;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (!known) {
        const end = buffer.indexOf("\r\n");
        if (end < 0) return;
        const line = buffer.toString("latin1", 0, end);
        buffer = buffer.subarray(end + 2);
        greetings.push(line);
        if (line === "BEGIN") known = true;
        else socket.write(`${greeting}\r\n`);
      }
      for (;;) {
        const length = messageLength(buffer);
        if (length === undefined || buffer.length < length) return;
        const call = decodeMessage(buffer.subarray(0, length));
        buffer = buffer.subarray(length);
        calls.push(call);
        respond(socket, call);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  const disconnect = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    path,
    calls,
    greetings,
    disconnect,
    async [Symbol.asyncDispose]() {
      disconnect();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
