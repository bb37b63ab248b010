/**
 * Images in memory: what each is, and which names it has. Nothing here does I/O.
 * @module
 */
import {
  canonicalReference,
  familiarReference,
  parseImageQuery,
  withDefaultTag,
  type Descriptor,
  type ImageConfig,
  type ImageQuery,
  type Reference,
} from "../image/mod.ts";
import { failure } from "../errors/mod.ts";

/** An image that is there as a whole: its blobs are stored, its layers unpacked. */
export interface ImageRecord {
  /** Digest of the configuration. */
  readonly id: string;
  readonly manifest: Descriptor;
  /** The layers' blobs, lowest first. */
  readonly layers: readonly Descriptor[];
  readonly config: ImageConfig;
  /** Chain IDs of the layers, lowest first. */
  readonly chain: readonly string[];
  /** Names with tags, sorted. */
  readonly tags: readonly Reference[];
  /** Names with digests, under which registries have it, sorted. */
  readonly digests: readonly Reference[];
  /** When it was last given a tag by hand, RFC 3339. */
  readonly tagged?: string;
}

/** Images by ID and by name. Records don't change, they are replaced. */
export class ImageTable {
  readonly #images: Map<string, ImageRecord>;
  /** Image IDs by the full form of a name. */
  readonly #names: Map<string, string>;

  constructor(images: Iterable<ImageRecord> = []) {
    this.#images = new Map();
    this.#names = new Map();
    for (const image of images) this.add(image);
  }

  /** A table of its own with the same images. */
  copy(): ImageTable {
    return new ImageTable(this.#images.values());
  }

  get(id: string): ImageRecord | undefined {
    return this.#images.get(id);
  }

  /** All images, in the order in which they came. */
  all(): IterableIterator<ImageRecord> {
    return this.#images.values();
  }

  /** The image of a name. One with a digest is looked up by that alone, one without a tag means `latest`. */
  named(reference: Reference): ImageRecord | undefined {
    const id = this.#names.get(keyOf(reference));
    return id === undefined ? undefined : this.#images.get(id);
  }

  /** The image that a query means; undefined if there is none, or more than one with such an ID. */
  find({ reference, idPrefix }: ImageQuery): ImageRecord | undefined {
    const named = reference === undefined ? undefined : this.named(reference);
    if (named !== undefined || idPrefix === undefined) return named;
    const exact = this.#images.get(`sha256:${idPrefix}`);
    if (exact !== undefined) return exact;
    let found: ImageRecord | undefined;
    for (const image of this.#images.values()) {
      if (!image.id.startsWith(idPrefix, image.id.indexOf(":") + 1)) continue;
      if (found !== undefined) return undefined;
      found = image;
    }
    return found;
  }

  /** Adds an image with its names, which are taken from others. One that is there already only gets the names. */
  add(image: ImageRecord): void {
    const { tags, digests } = image;
    if (!this.#images.has(image.id)) this.#images.set(image.id, { ...image, tags: [], digests: [] });
    for (const reference of [...tags, ...digests]) this.name(image.id, reference);
  }

  /** Gives an image a name, with a tag or with a digest. Returns the image that had it before, if another had. */
  name(id: string, reference: Reference): ImageRecord | undefined {
    const image = this.#images.get(id);
    if (image === undefined) throw noSuchImage({ idPrefix: id.slice(id.indexOf(":") + 1) });
    const before = this.named(reference);
    if (before?.id === id) return undefined;
    if (before !== undefined) this.unname(reference);
    const kind = reference.digest === undefined ? "tags" : "digests";
    this.#images.set(id, { ...image, [kind]: [...image[kind], reference].toSorted(byName) });
    this.#names.set(keyOf(reference), id);
    return before;
  }

  /** Takes a name away from the image that has it. */
  unname(reference: Reference): void {
    const key = keyOf(reference);
    const image = this.named(reference);
    this.#names.delete(key);
    if (image === undefined) return;
    const others = (list: readonly Reference[]): Reference[] => list.filter((own) => keyOf(own) !== key);
    this.#images.set(image.id, { ...image, tags: others(image.tags), digests: others(image.digests) });
  }

  /** Notes when the image was last given a tag by hand. */
  touch(id: string, tagged: string): void {
    const image = this.#images.get(id);
    if (image !== undefined) this.#images.set(id, { ...image, tagged });
  }

  /** The image's documents and blobs are other ones from now on, of the same content. */
  store(id: string, manifest: Descriptor, layers: readonly Descriptor[]): void {
    const image = this.#images.get(id);
    if (image !== undefined) this.#images.set(id, { ...image, manifest, layers });
  }

  /** Removes an image with its names. */
  remove(id: string): void {
    const image = this.#images.get(id);
    for (const reference of [...(image?.tags ?? []), ...(image?.digests ?? [])])
      this.#names.delete(keyOf(reference));
    this.#images.delete(id);
  }
}

function keyOf(reference: Reference): string {
  const { registry, repository, digest } = reference;
  if (digest !== undefined) return `${registry}/${repository}@${digest}`;
  return canonicalReference(withDefaultTag(reference));
}

/** All names of the image in Docker's order: those of a repository together, with tags first. */
export function namesOf({ tags, digests }: ImageRecord): Reference[] {
  return [...tags, ...digests].toSorted(byName);
}

function byName(a: Reference, b: Reference): number {
  const [left, right] = [canonicalReference(a), canonicalReference(b)];
  return Number(left > right) - Number(left < right);
}

/** The failure in Docker's words for a query that finds nothing. */
export function noSuchImage({ reference, idPrefix }: ImageQuery): Error {
  const text =
    reference === undefined ? `sha256:${idPrefix ?? ""}` : familiarReference(withDefaultTag(reference));
  return failure("no-such-image", { reference: text });
}

/** The image that a client's word means. Throws `no-such-image`, and `invalid-reference` for what can't be one. */
export function findImage(table: ImageTable, name: string): ImageRecord {
  const query = parseImageQuery(name);
  const image = table.find(query);
  if (image === undefined) throw noSuchImage(query);
  return image;
}
