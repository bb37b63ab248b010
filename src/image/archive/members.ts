/**
 * The files of an image archive, put aside as blobs that aren't published: in any order, none held in memory, and no
 * name of the archive ever used as a path.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { ContentStore, StagedBlob } from "../content/store.ts";
import { decompress } from "../tar/compression.ts";
import { readTar } from "../tar/reader.ts";

/** Bounds of an archive; more is refused. */
export interface ArchiveLimits {
  readonly members: number;
  /** Bytes of the archive when decompressed, undefined for any. */
  readonly size?: number;
  /** Bytes of one layer when decompressed, undefined for any. */
  readonly layer?: number;
}

/** Room for a thousand images. */
export const defaultArchiveLimits: ArchiveLimits = { members: 65_536 };

type Member = { readonly blob: StagedBlob } | { readonly link: string };
/** Symbolic links that may lead to a member, one after another. */
const mostLinks = 8;
/** Bytes of all documents that are read from one archive. */
const documentsLimit = 64 << 20;

/** An archive's files by their cleaned names. Whoever has it ends it by `dispose`. */
export class ArchiveMembers implements AsyncDisposable {
  readonly #members: ReadonlyMap<string, Member>;
  readonly #published = new Set<StagedBlob>();
  readonly #what: string;
  #documents = 0;

  private constructor(members: ReadonlyMap<string, Member>, what: string) {
    this.#members = members;
    this.#what = what;
  }

  /** Reads the whole archive, which may be compressed. */
  static async read(
    source: AsyncIterable<Uint8Array>,
    store: ContentStore,
    what: string,
    limits: ArchiveLimits,
  ): Promise<ArchiveMembers> {
    const members = new Map<string, Member>();
    try {
      await collect(source, store, what, limits, members);
    } catch (error) {
      await new ArchiveMembers(members, what)[Symbol.asyncDispose]();
      throw error;
    }
    return new ArchiveMembers(members, what);
  }

  /** The file of that name, by links if need be; undefined if there is none. */
  get(name: string): StagedBlob | undefined {
    let at = cleanName(name);
    for (let links = 0; at !== undefined && links <= mostLinks; links++) {
      const member = this.#members.get(at);
      if (member === undefined) return undefined;
      if ("blob" in member) return member.blob;
      at = cleanName(member.link);
    }
    return undefined;
  }

  /** The file of that name. Throws `bad-archive` if there is none. */
  require(name: string): StagedBlob {
    const blob = this.get(name);
    if (blob !== undefined) return blob;
    throw failure("bad-archive", {
      what: this.#what,
      reason: `it lacks ${JSON.stringify(name.slice(0, 256))}`,
    });
  }

  /** The whole of a document of at most `limit` bytes. */
  async document(blob: StagedBlob, limit: number, what: string): Promise<Uint8Array> {
    this.#documents += blob.size;
    const most = Math.min(limit, documentsLimit);
    if (blob.size > most) throw failure("bad-archive", { what, reason: `it is larger than ${most} bytes` });
    if (this.#documents > documentsLimit)
      throw failure("bad-archive", {
        what: this.#what,
        reason: `its documents are larger than ${documentsLimit} bytes`,
      });
    return Buffer.concat(await Array.fromAsync(blob.reader()));
  }

  /** Publishes the blob of a file. */
  async publish(blob: StagedBlob): Promise<void> {
    if (this.#published.has(blob)) return;
    this.#published.add(blob);
    await blob.publish();
  }

  /** Throws away what wasn't published. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members.values())
      if ("blob" in member && !this.#published.has(member.blob)) await member.blob.discard();
  }
}

async function collect(
  source: AsyncIterable<Uint8Array>,
  store: ContentStore,
  what: string,
  limits: ArchiveLimits,
  members: Map<string, Member>,
): Promise<void> {
  const { stream } = await decompress(source, { what, limit: limits.size });
  for await (const entry of readTar(stream, { what })) {
    const name = cleanName(entry.path);
    if (name === undefined || name === "" || entry.type === "directory") continue;
    const bad = (reason: string): Error =>
      failure("bad-archive", { what, reason: `${reason}: ${JSON.stringify(name)}` });
    if (members.has(name)) throw bad("the archive has two files of one name");
    if (members.size >= limits.members) throw bad(`the archive has more than ${limits.members} files`);
    if (entry.type === "symlink") members.set(name, { link: beside(name, entry.linkPath) });
    else if (entry.type === "hardlink") members.set(name, { link: entry.linkPath });
    else if (entry.type === "file" && entry.sparse === undefined)
      members.set(name, { blob: await stageBlob(store, entry.body) });
    else throw bad("the archive has something that is no plain file");
  }
}

/** Puts the stream aside as a blob. */
export async function stageBlob(
  store: ContentStore,
  content: AsyncIterable<Uint8Array>,
): Promise<StagedBlob> {
  const stage = await store.stage();
  try {
    for await (const chunk of content) await stage.write(chunk);
  } catch (error) {
    await stage.discard();
    throw error;
  }
  return await stage.seal();
}

function beside(name: string, target: string): string {
  return target.startsWith("/") ? target : `${name.slice(0, name.lastIndexOf("/") + 1)}${target}`;
}

/** The name without `.`, `..` and empty components; undefined if it leaves the archive. */
function cleanName(name: string): string | undefined {
  const components: string[] = [];
  for (const component of name.split("/")) {
    if (component === "" || component === ".") continue;
    if (component !== "..") components.push(component);
    else if (components.pop() === undefined) return undefined;
  }
  return components.join("/");
}
