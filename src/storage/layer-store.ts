/**
 * Unpacked layers on disk: `layers/<hex of the chain ID>/` has `diff`, which the overlay file system takes, `layer.json`
 * and, a moment later, the mark of settled-layers.ts. A layer that is there is whole: it is unpacked beside and renamed.
 * @module
 */
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failure } from "../errors/mod.ts";
import { KernelError, type Errno, type Executor } from "../kernel/mod.ts";
import type { DirectoryAttributes } from "./attributes.ts";
import { SettledLayers } from "./settled-layers.ts";
import type { Trash } from "./trash.ts";
import type { LayerSource } from "./types.ts";

/** What `layer.json` says. */
export interface LayerRecord {
  readonly chainId: string;
  readonly parent?: string;
  /** Bytes of the layer's files. */
  readonly size: number;
  /** When it was unpacked, RFC 3339. */
  readonly created: string;
  readonly root: Pick<DirectoryAttributes, "uid" | "gid" | "mode">;
  /** In which run of the machine it was unpacked. */
  readonly boot: string;
}

const algorithms: Readonly<Record<number, string>> = { 64: "sha256", 96: "sha384", 128: "sha512" };
const baseRoot: LayerRecord["root"] = { uid: 0, gid: 0, mode: 0o755 };
const temporary = ".new-";
/** Errnos that say that the archive asks for what no file system has, not that this one failed. */
const faultsOfArchive = new Set<string>([
  "E2BIG",
  "EEXIST",
  "EFBIG",
  "EINVAL",
  "EISDIR",
  "ELOOP",
  "EMLINK",
  "ENAMETOOLONG",
  "ENOENT",
  "ENOTDIR",
  "EXDEV",
] satisfies Errno[]);

let counter = 0;

/** The layers in one folder. */
export class LayerStore {
  readonly #directory: string;
  readonly #trash: Trash;
  readonly #session: () => Executor;
  readonly #records = new Map<string, LayerRecord>();
  readonly #unpacking = new Map<string, Promise<void>>();
  readonly #settled: SettledLayers;

  constructor(directory: string, trash: Trash, session: () => Executor) {
    this.#settled = new SettledLayers(directory, session);
    this.#directory = directory;
    this.#trash = trash;
    this.#session = session;
  }

  /** The name of the layer's folder. */
  name(chainId: string): string {
    return hexOf(chainId);
  }

  /** The directory with what the layer holds. */
  diff(chainId: string): string {
    return join(this.#directory, hexOf(chainId), "diff");
  }

  /** The layer's record; undefined if it isn't there. */
  async record(chainId: string): Promise<LayerRecord | undefined> {
    const known = this.#records.get(chainId);
    if (known !== undefined) return known;
    try {
      const text = await readFile(join(this.#directory, hexOf(chainId), "layer.json"), "utf8");
      const record = JSON.parse(text) as LayerRecord;
      this.#records.set(chainId, record);
      return record;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Like {@link record}, at once, of a layer that was asked for before. */
  known(chainId: string): LayerRecord | undefined {
    return this.#records.get(chainId);
  }

  /** Unpacks the layer unless it is there. Who comes while another does waits for that one. */
  async unpack(source: LayerSource): Promise<void> {
    const { chainId } = source;
    for (let other; (other = this.#unpacking.get(chainId)) !== undefined;) await other.catch(() => undefined);
    const work = this.#unpackMissing(source);
    this.#unpacking.set(chainId, work);
    try {
      await work;
    } finally {
      this.#unpacking.delete(chainId);
    }
  }

  async remove(chainId: string): Promise<void> {
    this.#records.delete(chainId);
    await this.#trash.discard(join(this.#directory, hexOf(chainId)));
  }

  /** Chain IDs of the layers that are there. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#directory);
    return names.filter((name) => /^[0-9a-f]+$/.test(name)).map((hex) => `${algorithms[hex.length]}:${hex}`);
  }

  /**
   * Removes what unpacking left behind when the engine died, and layers of which a power loss may have taken a part.
   * Nothing may be unpacked meanwhile.
   */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#directory))
      if (name.includes(temporary) || !(await this.#settled.isWhole(name)))
        await this.#trash.discard(join(this.#directory, name));
  }

  async #unpackMissing(source: LayerSource): Promise<void> {
    const { chainId, parent } = source;
    if ((await this.record(chainId)) !== undefined) {
      // Lets go of whatever the source reads from.
      await source.changes[Symbol.asyncIterator]().return?.();
      return;
    }
    const below = parent === undefined ? undefined : await this.record(parent);
    if (parent !== undefined && below === undefined)
      throw failure("not-found", { message: `layer ${chainId}: its parent ${parent} is not unpacked` });
    const hex = hexOf(chainId);
    const fresh = join(this.#directory, `${hex}${temporary}${process.pid}-${counter++}`);
    await mkdir(fresh, { mode: 0o700 });
    try {
      const record = await this.#fill(fresh, source, below?.root ?? baseRoot);
      await writeFile(join(fresh, "layer.json"), `${JSON.stringify(record)}\n`, { mode: 0o600 });
      await rename(fresh, join(this.#directory, hex));
      this.#records.set(chainId, record);
      this.#settled.add(hex);
    } catch (error) {
      await this.#trash.discard(fresh);
      throw judged(error, chainId);
    }
  }

  async #fill(fresh: string, source: LayerSource, root: LayerRecord["root"]): Promise<LayerRecord> {
    const { chainId, parent, changes } = source;
    const diff = join(fresh, "diff");
    await mkdir(diff, { mode: 0o700 });
    const { unpackInto } = await import("./unpack.ts");
    const session = this.#session();
    try {
      const doing = `unpack layer ${chainId}`;
      const unpacked = await unpackInto(session, diff, changes, {
        root,
        lowest: parent === undefined,
        doing,
      });
      const { uid, gid, mode } = unpacked.root;
      const { size } = unpacked;
      return {
        chainId,
        parent,
        size,
        created: new Date().toISOString(),
        root: { uid, gid, mode },
        boot: this.#settled.boot,
      };
    } finally {
      session.close();
    }
  }
}

/** The name of a layer's folder. Only a digest becomes a path. */
function hexOf(chainId: string): string {
  const [, algorithm, hex] = /^(sha(?:256|384|512)):([0-9a-f]{64,128})$/.exec(chainId) ?? [];
  if (hex === undefined || algorithms[hex.length] !== algorithm)
    throw failure("invalid-parameter", { message: `${JSON.stringify(chainId)} is no chain ID` });
  return hex;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** The error as one of the archive, if it is the archive's fault. */
function judged(error: unknown, chainId: string): unknown {
  if (!(error instanceof KernelError) || !faultsOfArchive.has(error.errnoName)) return error;
  return failure("bad-archive", { what: `layer ${chainId}`, reason: error.message }, error);
}
