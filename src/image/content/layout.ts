/**
 * The content store as a plain OCI image layout on disk (OCI image spec, "Image Layout"): `oci-layout`, `index.json`,
 * `blobs/<algorithm>/<hex>`, and `ingest/` for what isn't whole yet. Any tool that knows the layout can read it.
 * @module
 */
import { mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { failure, isFull } from "../../errors/mod.ts";
import { parseDigest } from "../digest.ts";
import { Expected, noSuchBlob, tooLarge } from "./hash.ts";
import { IngestFolder, isMissing, type IngestFile } from "./ingest.ts";
import { formatIndex, parseIndexEntries } from "./index-file.ts";
import { SpareFile } from "./spare-file.ts";
import type {
  BlobInfo,
  BlobWriter,
  ByteRange,
  ContentStore,
  Descriptor,
  StagedBlob,
  StageWriter,
} from "./store.ts";

const readSize = 256 * 1024;
const algorithms = ["sha256", "sha512"] as const;
const layoutVersion = '{"imageLayoutVersion":"1.0.0"}';

/** Opens the layout in the folder `root`, which is made if it isn't there. */
export async function openLayout(root: string): Promise<LayoutStore> {
  for (const algorithm of algorithms) await mkdir(join(root, "blobs", algorithm), { recursive: true });
  const store = new LayoutStore(root);
  await store.initialize();
  return store;
}

/** An OCI image layout; made by {@link openLayout}. */
export class LayoutStore implements ContentStore {
  readonly #root: string;
  readonly #ingest: IngestFolder;
  readonly #spare: SpareFile;
  #indexChange: Promise<unknown> = Promise.resolve();
  /** Blobs have come whose names the disk may not have. */
  readonly #fresh = new Set<string>();

  constructor(root: string) {
    this.#root = root;
    this.#spare = new SpareFile(join(root, "spare"));
    this.#ingest = new IngestFolder(join(root, "ingest"));
  }

  /** Writes the files that a layout must have, if they aren't there. */
  async initialize(): Promise<void> {
    const marker = join(this.#root, "oci-layout");
    if (!(await exists(marker))) await this.#replace(marker, layoutVersion);
    if (!(await exists(this.#indexPath))) await this.#replace(this.#indexPath, formatIndex([]));
  }

  async has(digest: string): Promise<boolean> {
    return (await this.stat(digest)) !== undefined;
  }

  async stat(digest: string): Promise<BlobInfo | undefined> {
    try {
      const { size } = await stat(this.#blobPath(digest));
      return { digest, size };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async *reader(digest: string, range: ByteRange = { offset: 0 }): AsyncGenerator<Uint8Array, void, void> {
    await using file = await this.#open(digest);
    yield* readFrom(file, range);
  }

  async bytes(digest: string, limit: number): Promise<Uint8Array> {
    await using file = await this.#open(digest);
    const { size } = await file.stat();
    if (size > limit) throw tooLarge(digest, limit);
    return await file.readFile();
  }

  async writer(digest: string, size: number): Promise<BlobWriter> {
    const { algorithm, hex } = parseDigest(digest);
    const expected = new Expected(digest, size);
    const name = `${algorithm}-${hex}`;
    const ingest = await this.#ingest.resume(name, algorithm, size);
    const { offset, write } = appender(ingest, expected);
    return {
      offset,
      write,
      commit: async () => {
        try {
          expected.check(ingest.digest);
        } catch (error) {
          await drop(ingest);
          throw error;
        }
        await this.#publish(ingest, digest);
      },
      abort: async (keepPartial) => {
        if (!keepPartial || ingest.digest.size === 0) return await drop(ingest);
        await ingest.file.close();
        try {
          await this.#ingest.release(ingest, name);
        } catch {
          // A disk without room may refuse even another name.
          await rm(ingest.path, { force: true });
        }
      },
    };
  }

  async stage(): Promise<StageWriter> {
    const ingest = await this.#ingest.create("stage", "sha256");
    const { write } = appender(ingest);
    return { write, seal: async () => await this.#staged(ingest), discard: async () => await drop(ingest) };
  }

  async put(bytes: Uint8Array): Promise<BlobInfo> {
    const stage = await this.stage();
    try {
      await stage.write(bytes);
    } catch (error) {
      await stage.discard();
      throw error;
    }
    const staged = await stage.seal();
    await staged.publish();
    return { digest: staged.digest, size: staged.size };
  }

  async delete(digest: string): Promise<boolean> {
    try {
      await rm(this.#blobPath(digest));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async *list(): AsyncGenerator<BlobInfo, void, void> {
    for (const algorithm of algorithms)
      for (const hex of await readdir(join(this.#root, "blobs", algorithm))) {
        const info = isDigestName(algorithm, hex) ? await this.stat(`${algorithm}:${hex}`) : undefined;
        if (info !== undefined) yield info;
      }
  }

  async sweep(age: number): Promise<number> {
    return await this.#ingest.sweep(age);
  }

  async index(): Promise<readonly Descriptor[]> {
    return parseIndexEntries(await readFile(this.#indexPath), this.#indexPath);
  }

  async updateIndex(change: (manifests: readonly Descriptor[]) => readonly Descriptor[]): Promise<void> {
    const changed = this.#indexChange.then(async () => {
      // What the index names is on the disk before it, and who was told of it finds it after a power loss.
      await this.#syncNames();
      await this.#replace(this.#indexPath, formatIndex(change(await this.index())));
      await syncFolder(this.#root);
    });
    this.#indexChange = changed.catch(() => undefined);
    await changed;
  }

  get #indexPath(): string {
    return join(this.#root, "index.json");
  }

  #blobPath(digest: string): string {
    const { algorithm, hex } = parseDigest(digest);
    return join(this.#root, "blobs", algorithm, hex);
  }

  async #open(digest: string): Promise<FileHandle> {
    try {
      return await open(this.#blobPath(digest), "r");
    } catch (error) {
      throw isMissing(error) ? noSuchBlob(digest, error) : error;
    }
  }

  /** Archives have thousands of blobs, so a staged one holds no descriptor. */
  async #staged(ingest: IngestFile): Promise<StagedBlob> {
    await ingest.file.close();
    const { path, digest: running } = ingest;
    const digest = running.finish();
    return {
      digest,
      size: running.size,
      reader: async function* reader() {
        await using file = await open(path, "r");
        yield* readFrom(file, { offset: 0 });
      },
      publish: async () => await this.#publish({ ...ingest, file: await open(path, "r+") }, digest),
      discard: async () => await rm(path, { force: true }),
    };
  }

  /** Renaming over the same content is harmless. */
  async #publish(ingest: IngestFile, digest: string): Promise<void> {
    if (await this.has(digest)) return await drop(ingest);
    await settle(ingest, 0o444, this.#blobPath(digest));
    this.#fresh.add(parseDigest(digest).algorithm);
  }

  async #syncNames(): Promise<void> {
    const algorithms = [...this.#fresh];
    this.#fresh.clear();
    for (const algorithm of algorithms) await syncFolder(join(this.#root, "blobs", algorithm));
  }

  async #replace(path: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    try {
      const ingest = await this.#ingest.create("file", "sha256");
      try {
        await appender(ingest).write(bytes);
      } catch (error) {
        await drop(ingest);
        throw error;
      }
      await settle(ingest, 0o644, path);
    } catch (error) {
      // Whoever removes an image from a full disk must be able to write that down.
      if (!isFull(error) || !(await this.#spare.use(bytes, path))) throw error;
      return;
    }
    await this.#spare.provide(bytes.length);
  }
}

interface Appender {
  readonly offset: number;
  readonly write: (chunk: Uint8Array) => Promise<void>;
}

function appender({ file, digest, path }: IngestFile, expected?: Expected): Appender {
  let failed = false;
  const write = async (chunk: Uint8Array): Promise<void> => {
    if (failed) throw failure("internal", { message: `an earlier write to ${path} failed` });
    expected?.checkRoom(digest.size + chunk.length);
    failed = true;
    try {
      for (let at = 0; at < chunk.length;)
        at += (await file.write(chunk, at, chunk.length - at, digest.size + at)).bytesWritten;
    } catch (error) {
      throw writeFailure(path, error);
    }
    digest.update(chunk);
    failed = false;
  };
  return { offset: digest.size, write };
}

/** What refused a write names no file; Go's error does. Everything else stays as it is. */
function writeFailure(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.endsWith(", write")) return error;
  return Object.assign(error, { message: `${error.message} '${path}'` });
}

async function* readFrom(
  file: FileHandle,
  { offset, length }: ByteRange,
): AsyncGenerator<Uint8Array, void, void> {
  const end = length === undefined ? Number.MAX_SAFE_INTEGER : offset + length;
  for (let at = offset; at < end;) {
    const size = Math.min(readSize, end - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(size), 0, size, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Gives the file its final name; what is under it must be whole after a power cut, too. */
async function settle(ingest: IngestFile, mode: number, path: string): Promise<void> {
  try {
    await ingest.file.chmod(mode);
    await ingest.file.datasync();
  } catch (error) {
    await drop(ingest);
    throw error;
  }
  await ingest.file.close();
  try {
    await rename(ingest.path, path);
  } catch (error) {
    await rm(ingest.path, { force: true });
    throw error;
  }
}

/** Has the disk take the names in a folder. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

async function drop({ file, path }: IngestFile): Promise<void> {
  await file.close();
  await rm(path, { force: true });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function isDigestName(algorithm: (typeof algorithms)[number], name: string): boolean {
  return /^[a-f0-9]+$/.test(name) && name.length === (algorithm === "sha256" ? 64 : 128);
}
