import { expect, test } from "bun:test";
import { cloneTree, CWD, makeMount, open, setMountAttributes, writeProc } from "./calls.ts";
import { encodeProgram } from "./encode.ts";
import { CLONE, flags, MOUNT_ATTR, MS, O } from "./flags.ts";
import { printProgram } from "./print.ts";
import { ProgramBuilder, text } from "./program.ts";

function example(): ReturnType<ProgramBuilder["build"]> {
  const b = new ProgramBuilder();
  const layer = b.slot("layer");
  const user = b.slot("user namespace");
  const channel = b.slot("channel");
  const child = b.clone(
    "make the container's process",
    { flags: flags(CLONE, "NEWUSER", "NEWNS"), channel },
    () => {
      b.composite("wait for the mounts", "await", [channel, 1]);
      b.composite("leave", "exit", [0]);
    },
  );
  writeProc(b, "map its user ids", text("/proc/", child, "/uid_map"), "0 1879048192 65536");
  open(
    b,
    "open its user namespace",
    CWD,
    text("/proc/", child, "/ns/user"),
    flags(O, "RDONLY", "CLOEXEC"),
    user,
  );
  cloneTree(b, "clone the layer", CWD, "/layer", layer, { tolerate: ["ENOENT"] });
  setMountAttributes(
    b,
    "map the layer's ids",
    layer,
    { idmap: user, set: flags(MOUNT_ATTR, "RDONLY") },
    { optional: true },
  );
  b.composite("release it", "sync", [channel, 0]);
  return b.build();
}

test("a program prints as strace would show it, with labels, children indented", () => {
  expect(printProgram(example())).toMatchSnapshot();
});

test("the wire has the header, the operations and the data that PROTOCOL.md says", () => {
  const program = example();
  const wire = encodeProgram(program);
  expect(wire.toString("latin1", 0, 4)).toBe("CSN1");
  expect(wire.readUInt32LE(4)).toBe(wire.length);
  expect(wire.readUInt32LE(8)).toBe(program.operations.length);
  expect(wire.readUInt32LE(12)).toBe(3);
  const dataOffset = wire.readUInt32LE(16);
  expect(dataOffset).toBe(32 + 120 * program.operations.length);
  expect(dataOffset + wire.readUInt32LE(20)).toBe(wire.length);
  // The clone: kind 1, two operations in its body, flags in the first argument.
  expect([wire.readUInt16LE(32), wire.readUInt32LE(36)]).toEqual([1, 2]);
  expect(wire.readUInt32LE(32 + 24 + 8)).toBe(0x10020000);
  // The tolerated errno of open_tree and the slot that it fills.
  const tree = 32 + 120 * 5;
  expect([wire.readUInt16LE(tree + 8), wire.readUInt16LE(tree + 12)]).toEqual([0, 2]);
  const path = dataOffset + wire.readUInt32LE(tree + 24 + 16 + 8);
  expect(wire.toString("latin1", path, path + 7)).toBe("/layer\0");
});

test("equal strings are stored once, negative numbers are sign-extended", () => {
  const b = new ProgramBuilder();
  b.call("a", "chdir", ["/same/place"]);
  b.call("b", "chdir", ["/same/place"]);
  b.call("c", "close", [-1]);
  const wire = encodeProgram(b.build());
  expect(wire.indexOf("/same/place")).toBe(wire.lastIndexOf("/same/place"));
  expect(wire.readBigInt64LE(32 + 240 + 24 + 8)).toBe(-1n);
});

test("a string with a NUL byte is refused: the kernel would see another one", () => {
  const b = new ProgramBuilder();
  b.call("a", "chdir", ["/etc\0/x"]);
  expect(() => encodeProgram(b.build())).toThrow("NUL");
});

test("skipIf spans what its body adds; large flags stay positive", () => {
  const b = new ProgramBuilder();
  const result = b.call("try", "chdir", ["/x"], { tolerate: ["ENOENT"] });
  b.skipIf("only if it is missing", result, ">=0", 0, () => {
    b.call("make it", "mkdir", ["/x", 0o755]);
    b.call("go", "chdir", ["/x"]);
  });
  expect(b.build().operations[1]?.span).toBe(2);
  expect(flags(MS, "PRIVATE", "REC").value).toBe(0x44000);
});

test("a tolerated file system leaves everything that depends on it optional", () => {
  const b = new ProgramBuilder();
  const context = b.slot("context");
  const into = b.slot("mqueue");
  const system = { type: "mqueue", options: [["ro"]], attributes: flags(MOUNT_ATTR, "NOSUID") } as const;
  makeMount(b, "mount mqueue", system, context, into, { tolerate: ["ENODEV"] });
  expect(
    b
      .build()
      .operations.slice(1)
      .every(({ optional }) => optional === true),
  ).toBe(true);
});

test("the slot that an executor keeps is not one of a program's own", () => {
  const b = new ProgramBuilder();
  const own = b.slot("own");
  expect(b.build().slots).toBe(1);
  const kept = b.keptSlot("kept");
  expect(kept.index).toBe(1023);
  expect(b.slot("another").index).toBe(own.index + 1);
  expect(b.build().slots).toBe(1024);
});
