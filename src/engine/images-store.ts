/**
 * Images on disk: `index.json` of the image layout has an entry for each name, and one without for an image that has no
 * tag. It is what counts; the table in memory is read from it once and changed after it.
 * @module
 */
import {
  canonicalReference,
  parseReference,
  type ContentStore,
  type Descriptor,
  type Reference,
} from "../image/mod.ts";
import { messageOf } from "../errors/mod.ts";
import type { SnapshotDriver } from "../storage/mod.ts";
import { readImage } from "./images-read.ts";
import { findImage, ImageTable, type ImageRecord } from "./images-table.ts";
import { layerJob, unpackLayer } from "./images-unpack.ts";
import { Lock } from "./lock.ts";

/** As containerd and Docker write it: the name in full. */
const nameAnnotation = "io.containerd.image.name";
/** As the OCI image layout has it: the tag alone. */
const tagAnnotation = "org.opencontainers.image.ref.name";
/** Names with digests, separated by spaces. */
const digestsAnnotation = "caisson.image.digests";
const taggedAnnotation = "caisson.image.tagged";
/** So many words of clients are remembered with what they mean. */
const mostWords = 1024;

/** The images of an engine. */
export class ImageStore {
  readonly #content: ContentStore;
  /** Entries that are no image of ours, which stay as they are. */
  #foreign: readonly Descriptor[];
  readonly #lock = new Lock();
  readonly #words = new Map<string, ImageRecord>();
  #table: ImageTable;

  private constructor(content: ContentStore, table: ImageTable, foreign: readonly Descriptor[]) {
    this.#content = content;
    this.#table = table;
    this.#foreign = foreign;
  }

  /**
   * Reads the index. Layers that aren't in `storage` are unpacked from their blobs. An entry whose blobs aren't all there
   * and good is left alone; `warn` is told.
   */
  static async open(
    content: ContentStore,
    storage: SnapshotDriver,
    warn: (message: string) => void,
  ): Promise<ImageStore> {
    const unpacked = new Set(await storage.layers());
    const entries = await content.index();
    const foreign: Descriptor[] = [];
    const images = new Map<string, Promise<ImageRecord>>();
    const readWhole = async (manifest: Descriptor): Promise<ImageRecord> => {
      const image = await readImage(content, manifest);
      for (const [index, blob] of image.layers.entries())
        if (!unpacked.has(image.chain[index] ?? ""))
          await unpackLayer(content, storage, layerJob(blob, index, image));
      return image;
    };
    const readOnce = async (manifest: Descriptor): Promise<ImageRecord> => {
      const reading = images.get(manifest.digest) ?? readWhole(manifest);
      images.set(manifest.digest, reading);
      return await reading;
    };
    const read = await Promise.all(
      entries.map(async (entry) => {
        try {
          return await readEntry(readOnce, entry);
        } catch (error) {
          foreign.push(entry);
          warn(`image ${entry.annotations?.[nameAnnotation] ?? entry.digest}: ${messageOf(error)}`);
          return undefined;
        }
      }),
    );
    return new ImageStore(content, new ImageTable(read.filter((image) => image !== undefined)), foreign);
  }

  /** The images as they are now. What is got from {@link change} later is another table. */
  get table(): Omit<ImageTable, "add" | "store" | "name" | "unname" | "touch" | "remove"> {
    return this.#table;
  }

  /** Whether the index has entries whose blobs aren't known. */
  get incomplete(): boolean {
    return this.#foreign.length > 0;
  }

  /** The image that a client's word means. Throws `no-such-image`, and `invalid-reference` for what can't be one. */
  find(name: string): ImageRecord {
    const known = this.#words.get(name);
    if (known !== undefined) return known;
    const image = findImage(this.#table, name);
    if (this.#words.size < mostWords) this.#words.set(name, image);
    return image;
  }

  /** Changes images in one step, after earlier changes: on disk, then in memory. If `edit` throws nothing is changed. */
  async change<T>(edit: (table: ImageTable) => T): Promise<T> {
    return await this.#lock.run(async () => {
      const table = this.#table.copy();
      const result = edit(table);
      const entries = [...table.all()].flatMap(entriesOf);
      const taken = new Set(entries.map(identity));
      const foreign = this.#foreign.filter((entry) => !taken.has(identity(entry)));
      await this.#content.updateIndex(() => [...foreign, ...entries]);
      this.#foreign = foreign;
      this.#table = table;
      this.#words.clear();
      return result;
    });
  }
}

/** What two entries can't both have: a name, or a manifest without one. */
function identity({ digest, annotations }: Descriptor): string {
  return annotations?.[nameAnnotation] ?? digest;
}

function entriesOf(image: ImageRecord): Descriptor[] {
  const { mediaType, digest, size } = image.manifest;
  const own = {
    ...(image.digests.length === 0
      ? {}
      : { [digestsAnnotation]: image.digests.map(canonicalReference).join(" ") }),
    ...(image.tagged === undefined ? {} : { [taggedAnnotation]: image.tagged }),
  };
  if (image.tags.length === 0) return [{ mediaType, digest, size, annotations: own }];
  return image.tags.map((reference) => {
    const annotations = {
      [tagAnnotation]: reference.tag ?? "",
      [nameAnnotation]: canonicalReference(reference),
      ...own,
    };
    return { mediaType, digest, size, annotations };
  });
}

async function readEntry(
  read: (manifest: Descriptor) => Promise<ImageRecord>,
  entry: Descriptor,
): Promise<ImageRecord> {
  const { mediaType, digest, size, annotations = {} } = entry;
  const image = await read({ mediaType, digest, size });
  const { [nameAnnotation]: name, [digestsAnnotation]: digests, [taggedAnnotation]: tagged } = annotations;
  return {
    ...image,
    tags: references(name).filter((reference) => reference.tag !== undefined),
    digests: references(digests).filter((reference) => reference.digest !== undefined),
    ...(tagged === undefined ? {} : { tagged }),
  };
}

function references(text: string | undefined): Reference[] {
  return text === undefined || text === "" ? [] : text.split(" ").map(parseReference);
}
