/**
 * Extended attributes of files, read by their names in the session's working directory.
 * @module
 */
import {
  bytes,
  ProgramBuilder,
  type Argument,
  type Bytes,
  type Executor,
  type Out,
  type Result,
  type Slot,
} from "../kernel/mod.ts";

/** Longest list of names, and longest value (xattr(7)). */
const most = 64 << 10;
/** Values that one program reads. */
const mostValues = 64;
/** What the overlay file system keeps for itself. */
const overlayOwn = /^(?:trusted|user)\.overlay\./;

/** A file's attributes. */
export type Xattrs = ReadonlyMap<string, Uint8Array>;

/** A call for the names of a file's attributes, whose answer is yet to come. */
export interface XattrCall {
  readonly result: Result;
  readonly out: Out;
}

/** Adds a look at the names of attributes that `name` has; a list longer than 1 KiB is left to {@link readXattrs}. */
export function addXattrLook(b: ProgramBuilder, label: string, name: string | Bytes): XattrCall {
  const out = b.out(1024);
  return { out, result: b.call(label, "llistxattr", [name, out, out.size], { tolerate: "any" }) };
}

/** Whose attributes are read: of what a name in the working directory is, a link itself, or of what a slot holds. */
export type XattrsOf = string | Bytes | { readonly slot: number };

/** The attributes of a file. What has gone meanwhile is left out. */
export async function readXattrs(
  session: Pick<Executor, "run">,
  of: XattrsOf,
  label: string,
): Promise<Xattrs> {
  const open = typeof of === "object" && "slot" in of;
  const [listing, getting] = open ? ["flistxattr", "fgetxattr"] : ["llistxattr", "lgetxattr"];
  const whose = (b: ProgramBuilder): Argument => (open ? slotAt(b, of.slot) : of);
  const list = new ProgramBuilder();
  const file = whose(list);
  const names = list.out(most);
  const listed = list.call(`${label}: names`, listing, [file, names, most], {
    tolerate: ["EOPNOTSUPP"],
  });
  const outcome = await session.run(list.build());
  const length = Math.max(outcome.valueOf(listed) ?? 0, 0);
  const keys = Buffer.from(outcome.bytesOf(names).subarray(0, length)).toString("utf8").split("\0");
  const wanted = keys.filter((key) => key !== "" && !overlayOwn.test(key));
  const found = new Map<string, Uint8Array>();
  for (let at = 0; at < wanted.length; at += mostValues) {
    const b = new ProgramBuilder();
    const target = whose(b);
    const calls = wanted.slice(at, at + mostValues).map((key) => {
      const out = b.out(most);
      const args = [target, key, out, most];
      return { key, out, result: b.call(`${label}: ${key}`, getting, args, { tolerate: ["ENODATA"] }) };
    });
    const values = await session.run(b.build());
    for (const { key, out, result } of calls) {
      const size = values.valueOf(result) ?? -1;
      if (size >= 0) found.set(key, values.bytesOf(out).slice(0, size));
    }
  }
  return found;
}

/** An attribute's value as a call takes it. */
export function valueArgument(value: Uint8Array): Bytes {
  return bytes(value, `${value.length} bytes`);
}

/** The session's slot of this number, in a new program. */
function slotAt(b: ProgramBuilder, index: number): Slot {
  return Array.from({ length: index + 1 }, (_, number) => b.slot(`slot ${number}`))[index] ?? b.slot("slot");
}
