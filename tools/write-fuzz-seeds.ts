/**
 * Writes what the native fuzz target begins with: `write-fuzz-seeds.ts DIRECTORY`. A program with each kind of operation
 * and every type of argument.
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  bytes,
  composites,
  encodeProgram,
  int,
  ProgramBuilder,
  struct,
  text,
  vector,
  type Argument,
  type Composite,
} from "../src/kernel/mod.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("write-fuzz-seeds.ts DIRECTORY");

const b = new ProgramBuilder();
const slot = b.slot("slot");
const list = bytes(Uint8Array.of(0, 0, 1, 0), "[0, 1]");
const out = b.out(64);
const pid = b.call("every type", "write", [int(1), slot, "hello", out, vector(["a", "bc"]), slot]);
const inner = struct(new Uint8Array(16), "{}", [{ offset: 0, width: 8, value: list }]);
const outer = struct(new Uint8Array(40), "{}", [
  { offset: 0, width: 4, value: slot },
  { offset: 8, width: 8, value: inner },
  { offset: 16, width: 8, value: out },
  { offset: 24, width: 8, value: pid },
]);
const path = text("/proc/", pid, "/fd/", slot);
b.call("structures", "writev", [slot, outer, 1]);
const args: Readonly<Record<Exclude<Composite, "clone" | "skip">, readonly Argument[]>> = {
  await: [slot, 1],
  sync: [slot, pid],
  pass: [slot, list],
  take: [slot, list],
  close: [slot],
  write: [slot, "name", path, 1, 2, 3],
  read: [-100, path, out, 0],
  compare: [b.out(8), 255, 1, 22],
  fail: [5],
  exit: [1],
  remove: [slot, "name"],
  process: [pid, slot],
  hold: [],
  keep: [list, 1],
  netlink: [slot, outer, out],
  companion: [pid, slot],
};
b.clone("a child", { flags: int(0), channel: b.slot("channel"), pidfd: b.slot("pidfd") }, () => {
  b.skipIf("skip", pid, "!=", 7, () => b.composite("leave", "exit", [0]));
});
for (const call of Object.keys(composites) as Composite[])
  if (call !== "clone" && call !== "skip") b.composite(call, call, args[call]);
writeFileSync(join(directory, "every-kind"), encodeProgram(b.build()));
