/**
 * Opening directories below a descriptor, however long the path is: what isn't below it is never reached.
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
/** The same of a directory that a link may lead to. */
export const directoryBehindLinks: Int = flags(O, "PATH", "DIRECTORY", "CLOEXEC");
/** To read a directory, or to change its attributes. */
export const directoryForReading: Int = flags(O, "RDONLY", "DIRECTORY", "NOFOLLOW", "CLOEXEC");

/** How a directory is opened, and what may go wrong: then the slot is empty. */
export interface OpenDirectoryOptions {
  readonly how?: Int;
  readonly tolerate?: readonly Errno[];
  readonly way?: Way;
}

/**
 * What may be on the way to a directory. In a layer no link is followed and no mount crossed; in a container's root there
 * are mounts; `links` are followed as if the descriptor were the root directory, by all but the last component where
 * `how` says so, and in paths of more than 4,000 bytes by none behind those.
 */
export type Way = "layer" | "mounts" | "links";

/** Adds opening the directory `path` below `root` into slot `into`. Returns how many operations that took. */
export function openDirectory(
  b: ProgramBuilder,
  root: Slot,
  path: Path,
  into: Slot,
  options: OpenDirectoryOptions = {},
): number {
  const { how = directoryOnly, tolerate, way = "layer" } = options;
  const label = `open ${pathText(path)}`;
  const parts = pieces(path);
  parts.forEach((part, index) => {
    const rest = way === "links" && index > 0 ? "mounts" : way;
    const args = [index === 0 ? root : into, part, openHow(how, rest), 24];
    b.call(label, "openat2", args, { into, tolerate, optional: tolerate !== undefined && index > 0 });
  });
  return parts.length;
}

const ways: Readonly<Record<Way, Int>> = {
  layer: flags(RESOLVE, "NO_SYMLINKS", "NO_MAGICLINKS", "NO_XDEV", "BENEATH"),
  mounts: flags(RESOLVE, "NO_SYMLINKS", "NO_MAGICLINKS", "BENEATH"),
  links: flags(RESOLVE, "IN_ROOT", "NO_MAGICLINKS"),
};
const hows: Readonly<Record<Way, Map<Int, Struct>>> = {
  layer: new Map(),
  mounts: new Map(),
  links: new Map(),
};

/** What openat2(2) takes for it. */
function openHow(how: Int, way: Way): Struct {
  let known = hows[way].get(how);
  if (known !== undefined) return known;
  const resolve = ways[way];
  const content = Buffer.alloc(24);
  content.writeBigUInt64LE(BigInt(how.value), 0);
  content.writeBigUInt64LE(BigInt(resolve.value), 16);
  known = struct(content, `{flags=${how.text}, resolve=${resolve.text}}`);
  hows[way].set(how, known);
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
