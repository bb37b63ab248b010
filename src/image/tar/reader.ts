/**
 * Reads tar archives of every dialect that layers come in, as a stream: memory stays flat however large the archive,
 * and bodies are handed out as views of the chunks that came in.
 * @module
 */
import { CaissonError, failure, messageOf } from "../../errors/mod.ts";
import { ByteSource } from "./bytes.ts";
import {
  blockSize,
  limits,
  padding,
  type Entry,
  type EntryType,
  type Segment,
  type Timestamp,
} from "./entry.ts";
import { HeaderError, isZeroBlock, parseHeader, type Header } from "./header.ts";
import { decodeName } from "./name.ts";
import { Extensions } from "./extensions.ts";
import { parsePax } from "./pax.ts";
import { checkMap, paxMap, readGnuMap, readPaxMap, type SparseMap } from "./sparse.ts";

/** A file of an archive with its content. */
export interface TarEntry extends Entry {
  /**
   * The stored bytes: the file's, or for a sparse file its runs of data one after another. Can be read once, before
   * the next entry is asked for; what isn't read is passed over. A chunk is valid until the next one is asked for.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes that the body has. */
  readonly storedSize: number;
}

/** How an archive is read. */
export interface TarReadOptions {
  /** Names the archive in errors. */
  readonly what?: string;
}

/**
 * The entries of the archive in their order. Like GNU tar and Go it ends at two blocks of zeros or at the end of the
 * stream between two entries; the stream is read to its end either way, so that digests of it can be complete.
 * Throws `bad-archive` for anything malformed.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  options: TarReadOptions = {},
): AsyncGenerator<TarEntry, void, void> {
  const what = options.what ?? "archive";
  await using bytes = new ByteSource(source, what);
  const extensions = new Extensions();
  while (true) {
    const at = bytes.position;
    let entry: OpenEntry | undefined;
    try {
      const block = await bytes.read(blockSize);
      if (block === undefined || isZeroBlock(block)) break;
      entry = await openEntry(block, bytes, extensions);
    } catch (error) {
      throw wrap(error, what, at);
    }
    if (entry === undefined) continue;
    yield entry.entry;
    await entry.body.finish();
  }
  await bytes.drain();
}

function wrap(error: unknown, what: string, at: number): unknown {
  if (error instanceof CaissonError || !(error instanceof HeaderError)) return error;
  return failure("bad-archive", { what, reason: `${messageOf(error)} at byte ${at}` }, error);
}

interface OpenEntry {
  readonly entry: TarEntry;
  readonly body: Body;
}

const types: Readonly<Record<string, EntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

/** Takes in the header, and what belongs to it; undefined if it was only about the next one. */
async function openEntry(
  block: Uint8Array,
  bytes: ByteSource,
  extensions: Extensions,
): Promise<OpenEntry | undefined> {
  const header = parseHeader(block);
  switch (header.flag) {
    case "x":
    case "X":
      extensions.local = parsePax(await readMeta(header, bytes, limits.pax));
      return undefined;
    case "g":
      extensions.addGlobal(parsePax(await readMeta(header, bytes, limits.pax)), header.size);
      return undefined;
    case "L":
      extensions.longPath = untilNul(await readMeta(header, bytes, limits.name));
      return undefined;
    case "K":
      extensions.longLink = untilNul(await readMeta(header, bytes, limits.name));
      return undefined;
    case "D":
    case "V":
      // A directory's list for incremental dumps, and a volume's label: no files.
      await bytes.skip(checkSize(header.size) + padding(header.size));
      extensions.reset();
      return undefined;
  }
  // Sparse blocks that follow overwrite nothing here, but reading them ends the validity of `block`.
  const gnuMap =
    header.flag === "S" && header.gnu ? await readGnuMap(Uint8Array.from(block), bytes) : undefined;
  const entry = await resolve(header, gnuMap, bytes, extensions);
  extensions.reset();
  return entry;
}

async function resolve(
  header: Header,
  gnuMap: SparseMap | undefined,
  bytes: ByteSource,
  extensions: Extensions,
): Promise<OpenEntry> {
  const path = checkName(extensions.path() ?? header.path);
  const byFlag = types[header.flag];
  if (byFlag === undefined) throw new HeaderError(`unknown entry type ${JSON.stringify(header.flag)}`);
  // Before POSIX there was no flag for directories but the slash at the end of the name.
  const type = byFlag === "file" && path.endsWith("/") ? "directory" : byFlag;
  const isLink = type === "hardlink" || type === "symlink";
  // Which entries have a body is as in Go, and so in Docker: where parsers differ, a body can pass for headers.
  const hasBody = byFlag === "file" && !(type === "directory" && header.flag === "\0");
  const archived = hasBody ? checkSize(extensions.integer("size") ?? header.size) : 0;
  const { stored, sparse, size } = await sparseness(type, archived, gnuMap, bytes, extensions);
  const ignored = type === "directory" ? archived : 0;
  const body = new Body(bytes, stored, ignored + padding(archived));
  const entry: TarEntry = {
    type,
    path,
    linkPath: isLink ? checkName(extensions.linkPath() ?? header.linkPath) : "",
    mode: header.mode,
    uid: checkId(extensions.integer("uid") ?? header.uid),
    gid: checkId(extensions.integer("gid") ?? header.gid),
    userName: extensions.name("uname") ?? header.userName,
    groupName: extensions.name("gname") ?? header.groupName,
    size,
    mtime: extensions.time("mtime") ?? wholeSeconds(header.mtime),
    major: checkDevice(extensions.integer("SCHILY.devmajor") ?? header.major),
    minor: checkDevice(extensions.integer("SCHILY.devminor") ?? header.minor),
    xattrs: extensions.xattrs(),
    ...(sparse === undefined ? {} : { sparse }),
    body,
    storedSize: stored,
  };
  return { entry, body };
}

interface Sparseness {
  /** Bytes of data that follow, after a map if there was one. */
  readonly stored: number;
  readonly size: number;
  readonly sparse?: readonly Segment[];
}

async function sparseness(
  type: EntryType,
  archived: number,
  gnuMap: SparseMap | undefined,
  bytes: ByteSource,
  extensions: Extensions,
): Promise<Sparseness> {
  if (type !== "file") return { stored: 0, size: 0 };
  let map = gnuMap;
  let stored = archived;
  if (extensions.integer("GNU.sparse.major") === 1 && extensions.integer("GNU.sparse.minor") === 0) {
    const realSize = extensions.integer("GNU.sparse.realsize");
    if (realSize === undefined) throw new HeaderError("invalid sparse map");
    const { segments, taken } = await readPaxMap(bytes, archived);
    stored -= taken;
    map = { segments, realSize };
  } else map ??= paxMap(extensions.local);
  if (map === undefined) return { stored, size: stored };
  return { stored, size: map.realSize, sparse: checkMap(map, stored) };
}

/** The bytes of one entry, taken from the archive as they are asked for. */
class Body implements AsyncIterable<Uint8Array> {
  readonly #bytes: ByteSource;
  readonly #behind: number;
  #left: number;
  #closed = false;

  /** `behind` is how many bytes after the body belong to no entry. */
  constructor(bytes: ByteSource, size: number, behind: number) {
    this.#bytes = bytes;
    this.#left = size;
    this.#behind = behind;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    while (this.#left > 0) {
      if (this.#closed)
        throw failure("internal", { message: "the body of an archive's entry was read too late" });
      const chunk = await this.#bytes.some(this.#left);
      this.#left -= chunk.length;
      yield chunk;
    }
  }

  async finish(): Promise<void> {
    this.#closed = true;
    await this.#bytes.skip(this.#left + this.#behind);
  }
}

async function readMeta(header: Header, bytes: ByteSource, limit: number): Promise<Uint8Array> {
  if (header.size < 0 || header.size > limit) throw new HeaderError("extended header is too large");
  const meta = header.size === 0 ? new Uint8Array(0) : await bytes.read(header.size);
  if (meta === undefined) throw new HeaderError("truncated extended header");
  const copy = meta.slice();
  await bytes.skip(padding(header.size));
  return copy;
}

function untilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeName(end < 0 ? bytes : bytes.subarray(0, end));
}

function checkName(name: string): string {
  if (name.length > limits.name) throw new HeaderError("name is too long");
  return name;
}

function checkSize(size: number): number {
  if (size < 0 || !Number.isSafeInteger(size)) throw new HeaderError("invalid size");
  return size;
}

/** The kernel takes 4294967295 as "leave it as it is", so no file can belong to it. */
function checkId(id: number): number {
  if (id < 0 || id >= 0xffff_ffff) throw new HeaderError("user or group id out of range");
  return id;
}

/** Linux has 12 bits of major and 20 of minor; more would wrap to some other device. */
function checkDevice(number: number): number {
  if (number < 0 || number > 0xf_ffff) throw new HeaderError("device number out of range");
  return number;
}

function wholeSeconds(sec: number): Timestamp {
  return { sec, nsec: 0 };
}
