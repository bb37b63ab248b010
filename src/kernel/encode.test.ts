import { describe, expect, test } from "bun:test";
import { encodeProgram } from "./encode.ts";
import { bytes, int, ProgramBuilder, struct, text, vector, type Argument } from "./program.ts";

// Offsets of native/PROTOCOL.md, section 1.
const header = 32;
const operation = 120;

/** The encoded program, and what its first operation's first argument says. */
function argument(make: (b: ProgramBuilder) => Argument): {
  readonly wire: Buffer;
  readonly data: Buffer;
  readonly type: number;
  readonly index: number;
  readonly length: number;
  readonly value: bigint;
} {
  const b = new ProgramBuilder();
  const value = make(b);
  b.call("first", "close", [value]);
  const wire = Buffer.from(encodeProgram(b.build()));
  const at = header + operation * (b.build().operations.length - 1) + 24;
  return {
    wire,
    data: wire.subarray(wire.readUInt32LE(16)),
    type: wire.readUInt16LE(at),
    index: wire.readUInt16LE(at + 2),
    length: wire.readUInt32LE(at + 4),
    value: wire.readBigUInt64LE(at + 8),
  };
}

describe("numbers", () => {
  test.each([
    [0, 0n],
    [-1, 0xffff_ffff_ffff_ffffn],
    [-100, 0xffff_ffff_ffff_ff9cn],
    [0xffff_ffff, 0xffff_ffffn],
    [2 ** 40 + 5, 2n ** 40n + 5n],
    [-(2n ** 63n), 2n ** 63n],
    [int(7, "seven"), 7n],
  ])("%p", (given, value) => {
    expect(argument(() => given)).toMatchObject({ type: 0, value });
  });
});

describe("data", () => {
  test("a string has its length in bytes and a NUL behind it", () => {
    const { type, length, value, data } = argument(() => "é");
    expect([type, length]).toEqual([2, 2]);
    expect(data.subarray(Number(value), Number(value) + 3)).toEqual(Buffer.from("é\0"));
  });

  test("bytes keep their zeros", () => {
    const content = Uint8Array.of(0, 1, 0);
    const { type, length, value, data } = argument(() => bytes(content, ""));
    expect([type, length]).toEqual([2, 3]);
    expect([...data.subarray(Number(value), Number(value) + 4)]).toEqual([0, 1, 0, 0]);
  });

  test("a vector is a structure of pointers to its strings, and of NULL behind them", () => {
    const words = ["a", "long word", "a", ""];
    const { type, index, length, value, data } = argument(() => vector(words));
    expect([type, index, length]).toEqual([6, 4, 40]);
    const read = words.map((_, i) => {
      const patch = Number(value) + i * 16;
      expect(data.readUInt32LE(patch)).toBe(i * 8);
      const start = data.readUInt32LE(patch + 12);
      return data.toString("utf8", start, start + data.readUInt32LE(patch + 8));
    });
    expect(read).toEqual(words);
  });

  test("a structure has its patches before its bytes", () => {
    const { type, index, length, value, data } = argument((b) => {
      b.slot("stdin");
      const patches = [{ offset: 4, width: 4, value: b.slot("second") }] as const;
      return struct(Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0), "", patches);
    });
    expect([type, index, length, Number(value) % 8]).toEqual([6, 1, 8, 0]);
    const patch = data.subarray(Number(value));
    expect([patch.readUInt32LE(0), patch[4], patch[5], patch.readUInt16LE(6)]).toEqual([4, 4, 1, 1]);
    expect([...patch.subarray(16, 20)]).toEqual([1, 2, 3, 4]);
  });

  test("a text has its parts in order", () => {
    const { type, index, value, data } = argument((b) => {
      const pid = b.call("who", "getpid", []);
      return text("/proc/", pid, "/fd/", b.slot("file"));
    });
    expect([type, index]).toEqual([7, 4]);
    const types = [0, 1, 2, 3].map((i) => data.readUInt16LE(Number(value) + i * 16));
    expect(types).toEqual([2, 4, 2, 1]);
  });

  test("a part of the output area", () => {
    const { type, length, value, wire } = argument((b) => {
      b.out(5);
      return b.out(16);
    });
    expect([type, length, value]).toEqual([3, 16, 8n]);
    expect(wire.readUInt32LE(24)).toBe(24);
  });
});

test("a program that outgrows every buffer is whole", () => {
  const b = new ProgramBuilder();
  const long = "x".repeat(60_000);
  for (let i = 0; i < 20; i++) b.call("go", "chdir", [`/${i}${long}`]);
  const wire = Buffer.from(encodeProgram(b.build()));
  expect(wire.readUInt32LE(4)).toBe(wire.length);
  for (let i = 0; i < 20; i++) {
    const at = header + operation * i + 24;
    const start = wire.readUInt32LE(16) + wire.readUInt32LE(at + 8);
    const end = start + wire.readUInt32LE(at + 4);
    expect(wire.toString("latin1", start, end) === `/${i}${long}`).toBe(true);
    expect(wire[end]).toBe(0);
  }
});

test("flags, the slot that is filled, and tolerated errnos", () => {
  const b = new ProgramBuilder();
  b.slot("a");
  b.call("x", "close", [0], { into: b.slot("b"), tolerate: ["ENOENT", "EPERM"], optional: true });
  b.call("y", "close", [0], { tolerate: "any" });
  const wire = Buffer.from(encodeProgram(b.build()));
  expect([wire.readUInt16LE(header + 2), wire.readUInt16LE(header + 8)]).toEqual([1, 1]);
  expect([0, 1, 2, 3].map((i) => wire.readUInt16LE(header + 12 + i * 2))).toEqual([2, 1, 0, 0]);
  const second = header + operation;
  expect([wire.readUInt16LE(second + 2), wire.readUInt16LE(second + 8)]).toEqual([2, 0xffff]);
});

test("what no program may hold is refused", () => {
  const encode = (add: (b: ProgramBuilder) => void) => () => {
    const b = new ProgramBuilder();
    add(b);
    return encodeProgram(b.build());
  };
  expect(encode((b) => b.call("x", "no_such_call", []))).toThrow(
    "this machine has no system call no_such_call",
  );
  expect(encode((b) => b.call("x", "close", [1, 2, 3, 4, 5, 6, 7]))).toThrow("more than six arguments");
  const five = ["EPERM", "ENOENT", "EINTR", "EIO", "ENXIO"] as const;
  expect(encode((b) => b.call("x", "close", [], { tolerate: five }))).toThrow("more than four errnos");
  expect(encode((b) => b.call("x", "execve", [vector(["a\0b"])]))).toThrow("NUL");
});
