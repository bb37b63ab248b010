/**
 * A program: what shall be done to the kernel, as plain data. Code that decides builds programs; the native executor
 * performs them (native/PROTOCOL.md); the printer shows them. A program is a list of operations, each a system call
 * with its arguments or one of a few composites, with a label in a human's words.
 * @module
 */
import type { Errno } from "./errno.ts";

/** A place for a descriptor while a program runs. The name is for the printer. */
export interface Slot {
  readonly kind: "slot";
  readonly index: number;
  readonly name: string;
}

/** A number. `text` is how the printer shows it (`O_RDONLY|O_CLOEXEC`). */
export interface Int {
  readonly kind: "int";
  readonly value: number | bigint;
  readonly text?: string;
}

/** Bytes that the call reads. `text` is how the printer shows them. */
export interface Bytes {
  readonly kind: "bytes";
  readonly value: Uint8Array;
  readonly text: string;
}

/** A part of the output area: the call writes there, the executor's answer brings it back. */
export interface Out {
  readonly kind: "out";
  readonly offset: number;
  readonly size: number;
}

/** The result of an earlier operation (a pid, a count), by its index in the program. */
export interface Result {
  readonly kind: "result";
  readonly operation: number;
  readonly name: string;
}

/** A NULL-terminated array of strings (argv, envp). */
export interface Vector {
  readonly kind: "vector";
  readonly values: readonly string[];
}

/** One argument written into a {@link Struct} at `offset`, `width` bytes wide. */
export interface Patch {
  readonly offset: number;
  readonly width: 4 | 8;
  readonly value: Slot | Bytes | Out | Result | Struct;
}

/** A structure in memory, some of whose fields are descriptors, results or pointers. */
export interface Struct {
  readonly kind: "struct";
  readonly bytes: Uint8Array;
  readonly patches: readonly Patch[];
  readonly text: string;
}

/** A string put together when the operation runs: `/proc/self/fd/` and a slot, a pid and a newline. */
export interface Text {
  readonly kind: "text";
  readonly parts: readonly (string | Slot | Result)[];
}

/** Whatever an operation takes. A plain number is an {@link Int}, a plain string a NUL-terminated string. */
export type Argument = number | bigint | string | Slot | Int | Bytes | Out | Result | Vector | Struct | Text;

/** The composites of native/PROTOCOL.md, by their number there. */
export const composites: {
  readonly clone: 1;
  readonly await: 2;
  readonly sync: 3;
  readonly pass: 4;
  readonly take: 5;
  readonly close: 6;
  readonly write: 7;
  readonly read: 8;
  readonly compare: 9;
  readonly skip: 10;
  readonly fail: 11;
  readonly exit: 12;
  readonly remove: 13;
  readonly process: 14;
  readonly hold: 15;
  readonly keep: 16;
  readonly netlink: 17;
  readonly companion: 18;
} = {
  clone: 1,
  await: 2,
  sync: 3,
  pass: 4,
  take: 5,
  close: 6,
  write: 7,
  read: 8,
  compare: 9,
  skip: 10,
  fail: 11,
  exit: 12,
  remove: 13,
  process: 14,
  hold: 15,
  keep: 16,
  netlink: 17,
  companion: 18,
};
export type Composite = keyof typeof composites;

export interface Operation {
  /** What this does, in a human's words: `mount the root file system`. */
  readonly label: string;
  /** The system call's name, or a composite. */
  readonly call: string;
  readonly composite: boolean;
  readonly args: readonly Argument[];
  /** Receives the descriptor that the call returned. */
  readonly into?: Slot;
  /** Errnos that do not stop the program; `"any"`: none does. */
  readonly tolerate?: readonly Errno[] | "any";
  /** Skipped when a slot that it uses is empty (an earlier, tolerated failure left it so). */
  readonly optional?: boolean;
  /** `clone`: how many of the next operations the child performs. `skip`: how many are skipped. */
  span?: number;
  /** Nesting: 0 in the program itself, 1 in the body of a clone, … */
  readonly depth: number;
}

/** A whole program, ready to be encoded, printed or compared. */
export interface Program {
  readonly operations: readonly Operation[];
  readonly slots: number;
  /** Size of the output area in bytes. */
  readonly outputs: number;
  /** Its encoded form, where that is known already. */
  readonly bytes?: Uint8Array;
}

export interface CallOptions {
  readonly into?: Slot;
  readonly tolerate?: readonly Errno[] | "any";
  readonly optional?: boolean;
}

/** What {@link ProgramBuilder.clone} needs beside the child's body. */
export interface CloneOptions {
  /** CLONE_* flags. */
  readonly flags: Int;
  /** Receives the child's pidfd in the parent. */
  readonly pidfd?: Slot;
  /** Receives this side's end of the channel, in the parent and in the child. */
  readonly channel: Slot;
  /** Directory of the cgroup (version 2) that the child is born in. */
  readonly cgroup?: Slot;
}

const NO_SLOT = 0xffff;
/** What a program may have (native/PROTOCOL.md, section 1). */
const MAX_SLOTS = 1024;

/** An {@link Int} that the printer shows as `text`. */
export function int(value: number | bigint, text?: string): Int {
  return text === undefined ? { kind: "int", value } : { kind: "int", value, text };
}

/** Bytes that the printer shows as `text`. */
export function bytes(value: Uint8Array, text: string): Bytes {
  return { kind: "bytes", value, text };
}

/** A structure with fields patched in when the operation runs. */
export function struct(content: Uint8Array, text: string, patches: readonly Patch[] = []): Struct {
  return { kind: "struct", bytes: content, patches, text };
}

/** A string made when the operation runs. */
export function text(...parts: (string | Slot | Result)[]): Text {
  return { kind: "text", parts };
}

/** A NULL-terminated array of strings. */
export function vector(values: readonly string[]): Vector {
  return { kind: "vector", values };
}

/** Path by which the kernel finds what the descriptor in `slot` refers to. */
export function descriptorPath(slot: Slot): Text {
  return text("/proc/self/fd/", slot);
}

/** Puts a program together, operation by operation. Typed calls are in calls.ts. */
export class ProgramBuilder {
  readonly #operations: Operation[] = [];
  #slots = 0;
  #outputs = 0;
  #depth = 0;
  #keeps = false;

  /** A new slot. The first ones of a shim's program are the shim's own (native/PROTOCOL.md, section 3). */
  slot(name: string): Slot {
    return { kind: "slot", index: this.#slots++, name };
  }

  /**
   * The slot that no other program of the executor's uses: what is in it stays from one to the next (native/PROTOCOL.md,
   * section 2).
   */
  keptSlot(name: string): Slot {
    this.#keeps = true;
    return { kind: "slot", index: MAX_SLOTS - 1, name };
  }

  /** A new part of the output area, 8-aligned. */
  out(size: number): Out {
    const offset = this.#outputs;
    this.#outputs += (size + 7) & ~7;
    return { kind: "out", offset, size };
  }

  /** Adds a system call. */
  call(label: string, call: string, args: readonly Argument[], options: CallOptions = {}): Result {
    return this.#add({ label, call, composite: false, args, ...options, depth: this.#depth });
  }

  /** Adds a composite other than `clone` and `skip`. */
  composite(label: string, call: Composite, args: readonly Argument[], options: CallOptions = {}): Result {
    return this.#add({ label, call, composite: true, args, ...options, depth: this.#depth });
  }

  /** Adds a child process whose operations `body` adds. The result is its pid. */
  clone(label: string, options: CloneOptions, body: () => void): Result {
    const { flags, pidfd, channel, cgroup } = options;
    const args: Argument[] = [
      flags,
      int(pidfd?.index ?? NO_SLOT, pidfd === undefined ? "no pidfd" : `pidfd→${pidfd.name}`),
      int(channel.index, `channel→${channel.name}`),
      cgroup ?? int(-1, "cgroup of the parent"),
    ];
    const operation: Operation = { label, call: "clone", composite: true, args, span: 0, depth: this.#depth };
    const result = this.#add(operation, "pid");
    this.#depth++;
    body();
    this.#depth--;
    operation.span = this.#operations.length - result.operation - 1;
    return result;
  }

  /** Adds operations that are skipped if `result` compares to `value` so. */
  skipIf(
    label: string,
    result: Result,
    condition: "<0" | ">=0" | "==" | "!=",
    value: number,
    body: () => void,
  ): void {
    // What may be true of it: 1 less, 2 equal, 4 greater.
    const code = { "<0": 1, ">=0": 6, "==": 2, "!=": 5 }[condition];
    const args: Argument[] = [result, int(code, condition), value];
    const operation: Operation = { label, call: "skip", composite: true, args, span: 0, depth: this.#depth };
    const { operation: index } = this.#add(operation);
    body();
    operation.span = this.#operations.length - index - 1;
  }

  build(): Program {
    const slots = this.#keeps ? MAX_SLOTS : this.#slots;
    return { operations: this.#operations, slots, outputs: this.#outputs };
  }

  #add(operation: Operation, name?: string): Result {
    this.#operations.push(operation);
    const index = this.#operations.length - 1;
    return { kind: "result", operation: index, name: name ?? `${operation.call}#${index}` };
  }
}
