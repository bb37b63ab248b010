/**
 * The operation NETLINK: needs `make -C native` and root.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  Executor,
  flags,
  CLONE,
  KernelError,
  ProgramBuilder,
  struct,
  type Slot,
} from "../../src/kernel/mod.ts";
import { binary } from "./programs.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const REQUEST = 1;
const ACK = 4;
const DUMP = 0x300;
const LOOPBACK = 1;
const IFLA_IFNAME = 3;
let executor: Executor;

beforeAll(async () => {
  executor = Executor.start(binary);
  const b = new ProgramBuilder();
  b.call("have a network of its own", "unshare", [flags(CLONE, "NEWNET")]);
  await executor.run(b.build());
});
afterAll(() => executor.close());

/** One message about the interface with this index. */
function message(type: number, how: number, index: number, up = 0): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(32, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(how, 6);
  bytes.writeInt32LE(index, 20);
  bytes.writeUInt32LE(up, 24);
  bytes.writeUInt32LE(up, 28);
  return bytes;
}

function open(b: ProgramBuilder): Slot {
  const socket = b.slot("netlink");
  b.call("open netlink", "socket", [AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0], { into: socket });
  return socket;
}

/** Sends messages and returns what the kernel answered. */
async function exchange(room: number, ...messages: readonly Buffer[]): Promise<Buffer> {
  const b = new ProgramBuilder();
  const socket = open(b);
  const out = b.out(room);
  const length = b.composite("ask", "netlink", [socket, struct(Buffer.concat(messages), "messages"), out]);
  const outcome = await executor.run(b.build());
  return Buffer.from(outcome.bytesOf(out)).subarray(0, outcome.valueOf(length));
}

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KernelError) return error.errnoName;
  throw new TypeError(`the program did not fail: ${String(error)}`);
}

/** Names of the interfaces in answers, and whether each is up. */
function links(answers: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < answers.length;) {
    const length = answers.readUInt32LE(at);
    expect(answers.readUInt16LE(at + 4)).toBe(RTM_NEWLINK);
    const up = answers.readUInt32LE(at + 24) & 1;
    for (let attribute = at + 32; attribute < at + length;) {
      const size = answers.readUInt16LE(attribute);
      const name = answers.toString("latin1", attribute + 4, attribute + size - 1);
      if (answers.readUInt16LE(attribute + 2) === IFLA_IFNAME) found.push(`${name} ${up}`);
      attribute += (size + 3) & ~3;
    }
    at += (length + 3) & ~3;
  }
  return found;
}

test("acknowledgements are swallowed, answers and a dump to its end are copied", async () => {
  expect(await exchange(0, message(RTM_NEWLINK, REQUEST | ACK, LOOPBACK, 1))).toHaveLength(0);
  expect(links(await exchange(8192, message(RTM_GETLINK, REQUEST, LOOPBACK)))).toEqual(["lo 1"]);
  const all = links(await exchange(65_536, message(RTM_GETLINK, REQUEST | DUMP, 0)));
  expect(all).toContain("lo 1");
});

test("several messages are one datagram, and all their answers are taken", async () => {
  const down = message(RTM_NEWLINK, REQUEST | ACK, LOOPBACK, 1);
  down.writeUInt32LE(0, 24);
  const ask = message(RTM_GETLINK, REQUEST, LOOPBACK);
  expect(links(await exchange(16_384, ask, down, ask))).toEqual(["lo 1", "lo 0"]);
});

test("the first error is the operation's, and the next exchange on the socket sees nothing of it", async () => {
  const b = new ProgramBuilder();
  const socket = open(b);
  const wrong = struct(
    Buffer.concat([
      message(RTM_GETLINK, REQUEST, 4711),
      message(RTM_DELLINK, REQUEST | ACK, LOOPBACK),
      message(RTM_GETLINK, REQUEST, LOOPBACK),
    ]),
    "three",
  );
  const out = b.out(8192);
  const failed = b.composite("fail", "netlink", [socket, wrong, b.out(0)], { tolerate: ["ENODEV"] });
  const ask = struct(message(RTM_GETLINK, REQUEST, LOOPBACK), "one");
  const length = b.composite("ask", "netlink", [socket, ask, out]);
  const outcome = await executor.run(b.build());
  expect(outcome.valueOf(failed)).toBe(-19);
  expect(links(Buffer.from(outcome.bytesOf(out)).subarray(0, outcome.valueOf(length)))).toEqual(["lo 0"]);
});

test("what doesn't fit is EMSGSIZE, what is no message EINVAL, no netlink socket another error", async () => {
  expect(await failure(exchange(64, message(RTM_GETLINK, REQUEST, LOOPBACK)))).toBe("EMSGSIZE");
  expect(await failure(exchange(64, message(4711, REQUEST | ACK, 0)))).toBe("EOPNOTSUPP");
  const b = new ProgramBuilder();
  const socket = b.slot("pipe");
  b.call("open a file", "memfd_create", ["x", 1], { into: socket });
  b.composite("ask", "netlink", [socket, struct(message(RTM_GETLINK, REQUEST, 1), "one"), b.out(0)]);
  expect(await failure(executor.run(b.build()))).toBe("ENOTSOCK");
});
