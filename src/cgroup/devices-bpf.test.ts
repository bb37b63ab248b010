import { expect, test } from "bun:test";
import { compileDevices } from "./devices-bpf.ts";
import type { DeviceRule } from "./types.ts";

const TYPES: Readonly<Record<string, number>> = { b: 1, c: 2 };
const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };

/** A machine for the instructions that the compiler emits; it refuses all others, and jumps back or out. */
function interpret(code: Uint8Array, context: Readonly<Record<number, number>>): number {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const registers = [0, 0, 0, 0, 0, 0];
  for (let at = 0; at < code.length / 8; at++) {
    const opcode = view.getUint8(at * 8);
    const to = view.getUint8(at * 8 + 1) & 15;
    const offset = view.getInt16(at * 8 + 2, true);
    const value = view.getInt32(at * 8 + 4, true);
    const old = registers[to] ?? 0;
    expect(offset).toBeGreaterThanOrEqual(0);
    if (opcode === 0x61) registers[to] = context[offset] ?? 0;
    else if (opcode === 0xb7) registers[to] = value;
    else if (opcode === 0x57) registers[to] = old & value;
    else if (opcode === 0x77) registers[to] = old >>> value;
    else if (opcode === 0x55) at += old === value ? 0 : offset;
    else if (opcode === 0x45) at += (old & value) === 0 ? 0 : offset;
    else if (opcode === 0x05) at += offset;
    else if (opcode === 0x95) return registers[0] ?? 0;
    else expect.unreachable(`opcode ${opcode}`);
  }
  expect.unreachable("the program ends without an exit");
}

/** `c 1:3 rw` as a rule or a request; `*` is any. */
function parse(
  text: string,
): [type: string, major: number | undefined, minor: number | undefined, access: string] {
  const [type = "", numbers = "", access = ""] = text.split(" ");
  const [major, minor] = numbers.split(":").map((part) => (part === "*" ? undefined : Number(part)));
  return [type, major, minor, access];
}

/** `+c 1:3 rwm` allows, `-a *:* rwm` denies. */
function rules(...texts: string[]): DeviceRule[] {
  return texts.map((text) => {
    const [type, major, minor, access] = parse(text.slice(1));
    return { allow: text.startsWith("+"), type: type as "a", major, minor, access };
  });
}

function allows(list: readonly DeviceRule[], request: string): boolean {
  const [type, major = 0, minor = 0, access] = parse(request);
  let bits = 0;
  for (const letter of access) bits |= ACCESS[letter] ?? 0;
  const code = compileDevices(list);
  if (code === undefined) return true;
  return interpret(code, { 0: (bits << 16) | (TYPES[type] ?? 0), 4: major, 8: minor }) === 1;
}

const docker = rules("-a *:* rwm", "+c *:* m", "+b *:* m", "+c 1:3 rwm", "+c 136:* rwm", "+c 10:200 rw");

test.each([
  ["c 1:3 rw", true],
  ["c 1:3 m", true],
  ["c 1:4 rw", false],
  ["c 1:4 m", true],
  ["b 8:0 m", true],
  ["b 8:0 r", false],
  ["b 1:3 r", false],
  ["c 136:99 rw", true],
  ["c 10:200 rwm", true],
  ["c 10:201 r", false],
])("Docker's rules: %s: %p", (request, verdict) => {
  expect(allows(docker, request)).toBe(verdict);
});

test("a later rule overrides an earlier one, for the access that it names", () => {
  const list = rules("-a *:* rwm", "+c 1:* rwm", "-c 1:5 w", "+c 1:5 w", "-c 1:7 w");
  expect(allows(list, "c 1:5 rw")).toBe(true);
  expect(allows(list, "c 1:7 r")).toBe(true);
  expect(allows(list, "c 1:7 rw")).toBe(false);
  expect(allows(list, "c 1:7 w")).toBe(false);
});

test("access from several rules adds up", () => {
  const list = rules("-a *:* rwm", "+c 4:1 r", "+c 4:* w");
  expect(allows(list, "c 4:1 rw")).toBe(true);
  expect(allows(list, "c 4:2 rw")).toBe(false);
});

test("all devices but some", () => {
  const list = rules("-c 9:9 r", "+a *:* rwm", "-b 8:* rwm");
  expect(allows(list, "c 9:9 r")).toBe(true);
  expect(allows(list, "b 8:1 r")).toBe(false);
  expect(allows(list, "b 9:1 rwm")).toBe(true);
});

test("without rules for all devices, what no rule names is denied", () => {
  expect(allows(rules("+c 1:3 r"), "c 1:3 r")).toBe(true);
  expect(allows(rules("+c 1:3 r"), "c 1:5 r")).toBe(false);
  expect(allows(rules("-a *:* rwm"), "c 1:3 r")).toBe(false);
});

test("everything allowed needs no program", () => {
  expect(compileDevices(rules("+a *:* rwm"))).toBeUndefined();
  expect(compileDevices(rules("-a *:* rwm", "+a *:* rwm", "+c 1:3 r"))).toBeUndefined();
});

test("every rule decides as a plain reading of the list does", () => {
  const texts = [
    "+c 1:3 rw",
    "-c 1:* w",
    "+c *:* m",
    "-b 8:0 r",
    "+b *:0 rwm",
    "-c *:3 m",
    "+a *:* rwm",
    "-a *:* rwm",
  ];
  const plain = (list: readonly DeviceRule[], request: string): boolean => {
    const [type, major, minor, access] = parse(request);
    return access
      .split("")
      .every(
        (letter) =>
          list.findLast(
            (rule) =>
              rule.type === "a" ||
              (rule.type === type &&
                (rule.major ?? major) === major &&
                (rule.minor ?? minor) === minor &&
                rule.access.includes(letter)),
          )?.allow === true,
      );
  };
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (let round = 0; round < 300; round++) {
    const list = rules(...Array.from({ length: random(7) + 1 }, () => texts[random(texts.length)] ?? ""));
    const request = `${"cb"[random(2)]} ${[1, 8][random(2)]}:${[0, 3][random(2)]} ${["r", "w", "m", "rw", "rwm"][random(5)]}`;
    expect(allows(list, request)).toBe(plain(list, request));
  }
});
