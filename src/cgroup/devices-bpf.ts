/**
 * Device rules of version 2, as a program of eBPF that the kernel asks at each open(2) and mknod(2) of a device.
 *
 * A request asks for some of read, write and mknod on one device. Each of them is decided by the last rule that names
 * the device and this access; what no rule names is denied. The program goes through the rules from the last to the
 * first: an allowing rule takes what it allows out of the request, which is granted once nothing is left; a denying one
 * ends it if it denies any of what is left.
 *
 * Instructions: the kernel's bpf/standardization/instruction-set; context: struct bpf_cgroup_dev_ctx.
 * @module
 */
import type { DeviceRule } from "./types.ts";

const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL = 7;
const TYPE = { b: 1, c: 2 } as const;

/** Opcodes: class, source, operation. */
const LOAD_WORD = 0x61;
const MOV = 0xb7;
const AND = 0x57;
const SHIFT_RIGHT = 0x77;
const JUMP_NOT_EQUAL = 0x55;
const JUMP_IF_SET = 0x45;
const JUMP = 0x05;
const EXIT = 0x95;

/** Registers: the verdict, the context, and what the request is about. */
const VERDICT = 0;
const CONTEXT = 1;
const KIND = 2;
const LEFT = 3;
const MAJOR = 4;
const MINOR = 5;

/** One instruction of eight bytes. */
interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  /** Of a jump: instructions to skip; of a load: bytes. */
  readonly offset?: number;
  readonly value?: number;
}

/** The rules as instructions; undefined if they allow everything, which needs no program. */
export function compileDevices(rules: readonly DeviceRule[]): Uint8Array | undefined {
  const program: Instruction[] = [
    { code: LOAD_WORD, to: KIND, from: CONTEXT, offset: 0 },
    { code: AND, to: KIND, value: 0xffff },
    { code: LOAD_WORD, to: LEFT, from: CONTEXT, offset: 0 },
    { code: SHIFT_RIGHT, to: LEFT, value: 16 },
    { code: LOAD_WORD, to: MAJOR, from: CONTEXT, offset: 4 },
    { code: LOAD_WORD, to: MINOR, from: CONTEXT, offset: 8 },
  ];
  // What comes before a rule for all devices decides nothing, and the kernel refuses code that is never reached.
  const base = rules.findLastIndex(({ type }) => type === "a");
  const allowed = base >= 0 && rules[base]?.allow === true;
  const deciding = rules.slice(base + 1);
  if (allowed && deciding.every(({ allow }) => allow)) return undefined;
  for (const rule of deciding.toReversed()) program.push(...compileRule(rule));
  program.push(...verdict(allowed));
  return encode(program);
}

function verdict(allowed: boolean): Instruction[] {
  return [{ code: MOV, to: VERDICT, value: allowed ? 1 : 0 }, { code: EXIT }];
}

function compileRule({ allow, type, major, minor, access }: DeviceRule): Instruction[] {
  let mask = 0;
  for (const letter of access) mask |= ACCESS[letter] ?? 0;
  const effect: Instruction[] = allow
    ? [
        { code: AND, to: LEFT, value: ALL & ~mask },
        { code: JUMP_NOT_EQUAL, to: LEFT, value: 0, offset: 2 },
        ...verdict(true),
      ]
    : [{ code: JUMP_IF_SET, to: LEFT, value: mask, offset: 1 }, { code: JUMP, offset: 2 }, ...verdict(false)];
  const conditions: [register: number, value: number][] = [];
  if (type !== "a") conditions.push([KIND, TYPE[type]]);
  if (major !== undefined) conditions.push([MAJOR, major]);
  if (minor !== undefined) conditions.push([MINOR, minor]);
  const jumps = conditions.map(([to, value], index) => ({
    code: JUMP_NOT_EQUAL,
    to,
    value,
    offset: conditions.length - index - 1 + effect.length,
  }));
  return [...jumps, ...effect];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const code = new Uint8Array(program.length * 8);
  const view = new DataView(code.buffer);
  for (const [index, { code: opcode, to = 0, from = 0, offset = 0, value = 0 }] of program.entries()) {
    view.setUint8(index * 8, opcode);
    view.setUint8(index * 8 + 1, to | (from << 4));
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, value, true);
  }
  return code;
}
