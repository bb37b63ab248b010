/**
 * Programs of containers that are alike but for their ids are compiled once: from the second on the bytes of the first
 * are taken and the id in them is replaced, which is a twentieth of the work.
 * @module
 */
import { encodeProgram, type Program } from "../kernel/mod.ts";
import { compile } from "./compile.ts";
import type { CompileContext } from "./context.ts";

/** How many are kept; each is some 30 KiB. */
const KEPT = 16;
/** Docker's short form, a container's host name by default. */
const SHORT = 12;
/** Stand for the id and its short form. Nothing else is like them: JSON writes no control character as it is. */
const LONG_MARK = "\u0001";
const SHORT_MARK = "\u0002";

/** A program as bytes, and where in them an id stands. */
interface Mold {
  readonly bytes: Uint8Array;
  readonly slots: number;
  readonly outputs: number;
  readonly long: readonly number[];
  readonly short: readonly number[];
}

/** Compiles, and remembers. */
export class CompiledPrograms {
  /** The one that was used last comes last. */
  readonly #molds = new Map<string, Mold>();
  readonly #filters = new WeakMap<Uint8Array, number>();
  #filterCount = 0;

  /** What {@link compile} makes of `context`. Its operations may not be there before somebody looks at them. */
  compile(context: CompileContext): Program {
    const key = this.#key(context);
    if (key === undefined) return compile(context);
    const known = this.#molds.get(key);
    this.#molds.delete(key);
    if (known !== undefined) {
      this.#molds.set(key, known);
      return cast(known, context);
    }
    const program = compile(context);
    const bytes = encodeProgram(program);
    this.#molds.set(key, makeMold(program, bytes, context.id));
    for (const [oldest] of this.#molds) {
      if (this.#molds.size <= KEPT) break;
      this.#molds.delete(oldest);
    }
    return { ...program, bytes };
  }

  /** All that compiling looks at, with marks for the id. Undefined where that isn't plain data. */
  #key(context: CompileContext): string | undefined {
    const {
      id,
      spec,
      root,
      cgroup,
      isDirectory,
      join,
      network,
      openStdin,
      init,
      lastCapability,
      seccomp,
      ...rest
    } = context;
    // The compiler sees to it that nothing is forgotten here.
    rest satisfies Record<string, never>;
    if (join !== undefined || network !== undefined) return undefined;
    const text = JSON.stringify([
      { ...spec, annotations: undefined, linux: { ...spec.linux, seccomp: undefined } },
      spec.mounts.map(({ type, source }) => type === "bind" && isDirectory(source ?? "")),
      root,
      cgroup === undefined ? [] : [cgroup.cgroup.directories.map(({ path }) => path), cgroup.resources],
      [openStdin, init, lastCapability, seccomp?.flags, seccomp && this.#filterNumber(seccomp.filter)],
    ]);
    return text.replaceAll(id, LONG_MARK).replaceAll(id.slice(0, SHORT), SHORT_MARK);
  }

  #filterNumber(filter: Uint8Array): number {
    let number = this.#filters.get(filter);
    if (number === undefined) this.#filters.set(filter, (number = this.#filterCount++));
    return number;
  }
}

function placesOf(text: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text, 0, "latin1"); at >= 0; at = bytes.indexOf(text, at + 1, "latin1")) {
    places.push(at);
  }
  return places;
}

function makeMold({ slots, outputs }: Program, bytes: Buffer, id: string): Mold {
  const long = placesOf(id, bytes);
  const within = new Set(long);
  const short = placesOf(id.slice(0, SHORT), bytes).filter((at) => !within.has(at));
  return { bytes, slots, outputs, long, short };
}

function cast({ bytes: like, slots, outputs, long, short }: Mold, context: CompileContext): Program {
  const id = Buffer.from(context.id, "latin1");
  const bytes = new Uint8Array(like);
  for (const at of long) bytes.set(id, at);
  for (const at of short) bytes.set(id.subarray(0, SHORT), at);
  let whole: Program | undefined;
  return {
    slots,
    outputs,
    bytes,
    /** For errors and for printing: seldom asked for. */
    get operations() {
      return (whole ??= compile(context)).operations;
    },
  };
}
