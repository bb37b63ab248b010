/**
 * Opening directories below a descriptor: no link is followed, no mount crossed, however long the path is.
 * @module
 */
import { encodeName, pathText, type Path } from "../image/mod.ts";
import {
  bytes,
  flags,
  O,
  RESOLVE,
  struct,
  type Bytes,
  type Errno,
  type Int,
  type ProgramBuilder,
  type Slot,
  type Struct,
} from "../kernel/mod.ts";

/** Bytes of a path that one call takes: PATH_MAX, with a margin. Longer ones are walked in pieces. */
const longestPath = 4000;

/** To work in a directory by names. */
export const directoryOnly: Int = flags(O, "PATH", "DIRECTORY", "NOFOLLOW", "CLOEXEC");
/** To read a directory, or to change its attributes. */
export const directoryForReading: Int = flags(O, "RDONLY", "DIRECTORY", "NOFOLLOW", "CLOEXEC");

/** How a directory is opened, and what may go wrong: then the slot is empty. */
export interface OpenDirectoryOptions {
  readonly how?: Int;
  readonly tolerate?: readonly Errno[];
}

/** Adds opening the directory `path` below `root` into slot `into`. Returns how many operations that took. */
export function openDirectory(
  b: ProgramBuilder,
  root: Slot,
  path: Path,
  into: Slot,
  options: OpenDirectoryOptions = {},
): number {
  const { how, tolerate } = options;
  const label = `open ${pathText(path)}`;
  const parts = pieces(path);
  parts.forEach((part, index) => {
    const args = [index === 0 ? root : into, part, openHow(how ?? directoryOnly), 24];
    b.call(label, "openat2", args, { into, tolerate, optional: tolerate !== undefined && index > 0 });
  });
  return parts.length;
}

const hows = new Map<Int, Struct>();

function openHow(how: Int): Struct {
  let known = hows.get(how);
  if (known !== undefined) return known;
  const resolve = flags(RESOLVE, "NO_SYMLINKS", "NO_MAGICLINKS", "NO_XDEV", "BENEATH");
  const content = Buffer.alloc(24);
  content.writeBigUInt64LE(BigInt(how.value), 0);
  content.writeBigUInt64LE(BigInt(resolve.value), 16);
  known = struct(content, `{flags=${how.text}, resolve=${resolve.text}}`);
  hows.set(how, known);
  return known;
}

/** The path in as few pieces as the kernel takes. */
function pieces(path: Path): (string | Bytes)[] {
  const whole = path.join("/");
  if (whole === "") return ["."];
  if (whole.length <= longestPath / 3) return [piece(whole)];
  const found: (string | Bytes)[] = [];
  let from = 0;
  let length = 0;
  path.forEach((component, at) => {
    const size = encodeName(component).length + 1;
    if (length + size > longestPath) {
      found.push(piece(path.slice(from, at).join("/")));
      from = at;
      length = 0;
    }
    length += size;
  });
  found.push(piece(path.slice(from).join("/")));
  return found;
}

function piece(joined: string): string | Bytes {
  return joined.isWellFormed() ? joined : bytes(encodeName(joined), JSON.stringify(joined.toWellFormed()));
}
