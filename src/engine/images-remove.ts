/**
 * Removes images by the rules of dockerd (moby, daemon/images/image_delete.go).
 * @module
 */
import { familiarReference, parseReference, type Reference } from "../image/mod.ts";
import { failure, isFailure } from "../errors/mod.ts";
import type { Filters, Json } from "./engine.ts";
import { booleanFilter, checkFilters, pruneLabelsMatch, untilFilter } from "./filters.ts";
import { ownLayers } from "./images-collect.ts";
import { publishImage, type ImageContext, type ImageUser } from "./images-context.ts";
import { createdAt } from "./images-list.ts";
import { findImage, namesOf, type ImageRecord, type ImageTable } from "./images-table.ts";
import { now } from "./time.ts";

/** What removing came to. */
interface Removal {
  /** `Untagged` and `Deleted`, in their order. */
  readonly items: Json[];
  /** For each event, its action and the image. */
  readonly events: (readonly [action: "untag" | "delete", image: ImageRecord])[];
  /** Images that are gone. */
  readonly images: ImageRecord[];
  /** Chain IDs of layers that are gone. */
  readonly layers: string[];
}

/**
 * Takes a name away from an image, and removes the image with the last of them; by an ID, removes it with its names.
 * Throws `conflict` in Docker's words if containers need it, or if an ID has several names.
 */
export async function removeImage(context: ImageContext, name: string, force: boolean): Promise<Json[]> {
  const removal = await context.store.change((table) => {
    const result = emptyRemoval();
    new Remover(context, table, result).remove(name, force);
    return result;
  });
  await finish(context, removal);
  return removal.items;
}

/** Removes images without a tag, or all that no container uses if `dangling` is false. */
export async function pruneImages(
  context: ImageContext,
  filters: Filters,
): Promise<{ ImagesDeleted: Json[] | null; SpaceReclaimed: number }> {
  checkFilters(filters, new Set(["dangling", "label", "label!", "until"]));
  const dangling = booleanFilter(filters, "dangling") ?? true;
  const until = untilFilter(filters, now());
  const removal = await context.store.change((table) => {
    const result = emptyRemoval();
    const remover = new Remover(context, table, result);
    for (const image of table.all()) {
      const created = createdAt(image);
      if (until !== undefined && (created === 0n || created > until)) continue;
      if (!pruneLabelsMatch(filters, image.config.config.Labels)) continue;
      if (dangling && image.tags.length > 0) continue;
      remover.removeEntirely(image);
    }
    return result;
  });
  let reclaimed = 0;
  for (const chainId of removal.layers) reclaimed += await context.storage.layerSize(chainId);
  await finish(context, removal);
  const Attributes = { reclaimed: String(reclaimed) };
  context.options.publish({ Type: "image", Action: "prune", Actor: { ID: "", Attributes } });
  await context.collector.sweep(0);
  return { ImagesDeleted: removal.items.length === 0 ? null : removal.items, SpaceReclaimed: reclaimed };
}

function emptyRemoval(): Removal {
  return { items: [], events: [], images: [], layers: [] };
}

async function finish(context: ImageContext, { events, images }: Removal): Promise<void> {
  for (const [action, image] of events) publishImage(context, action, image);
  if (images.length > 0) await context.collector.collect(images);
}

/** Removes from a table, and notes what it does. */
class Remover {
  readonly #context: ImageContext;
  readonly #table: ImageTable;
  readonly #result: Removal;

  constructor(context: ImageContext, table: ImageTable, result: Removal) {
    this.#context = context;
    this.#table = table;
    this.#result = result;
  }

  remove(name: string, force: boolean): void {
    const image = findImage(this.#table, name);
    const { id } = image;
    if (id.startsWith(name) || id.slice(id.indexOf(":") + 1).startsWith(name)) this.#byId(image, force);
    else this.#byName(image, name, force);
  }

  /** Removes every name, and then the image; what containers use stays. */
  removeEntirely(image: ImageRecord): void {
    const names = namesOf(image).map(familiarReference);
    const words = names.length === 0 ? [image.id] : names;
    for (const word of words) {
      try {
        // The last tag takes the digests with it.
        if (this.#table.get(image.id) !== undefined && this.#has(image.id, word)) this.remove(word, false);
      } catch (error) {
        if (!isFailure(error, "conflict")) throw error;
      }
    }
  }

  #has(id: string, word: string): boolean {
    return word === id || this.#table.named(parseReference(word))?.id === id;
  }

  #byName(image: ImageRecord, name: string, force: boolean): void {
    const [user] = this.#users(image);
    if (!force && isSingle(image) && user !== undefined) {
      const using = `container ${short(user.id)} is using its referenced image ${short(image.id)}`;
      throw failure("conflict", {
        message: `conflict: unable to remove repository reference ${JSON.stringify(name)} (must force) - ${using}`,
      });
    }
    const reference = ownName(image, parseReference(name));
    this.#untag(reference);
    this.#result.events.push(["untag", image]);
    if (reference.digest === undefined) this.#dropDigests(image.id, reference);
    const left = this.#table.get(image.id);
    if (left === undefined || left.tags.length + left.digests.length > 0) return;
    // What containers use stays, without a name.
    if (this.#conflict(left, force) === undefined) this.#delete(image);
  }

  #byId(image: ImageRecord, force: boolean): void {
    const several = !force && !isSingle(image);
    const conflict = this.#conflict(image, force || several);
    if (conflict !== undefined) throw conflict;
    if (several) throw unableToDelete(image, false, "image is referenced in multiple repositories");
    for (const reference of namesOf(image)) {
      this.#untag(reference);
      this.#result.events.push(["untag", image]);
    }
    this.#delete(image);
  }

  #untag(reference: Reference): void {
    this.#table.unname(reference);
    this.#result.items.push({ Untagged: familiarReference(reference) });
  }

  /** Names with digests go with the last tag of their repository. */
  #dropDigests(id: string, { registry, repository }: Reference): void {
    const image = this.#table.get(id);
    const same = (own: Reference): boolean => own.registry === registry && own.repository === repository;
    if (image === undefined || image.tags.some(same)) return;
    for (const reference of image.digests.filter(same)) this.#untag(reference);
  }

  /** Removes the image, given as it was with its names: what they are of goes too. */
  #delete(image: ImageRecord): void {
    this.#table.remove(image.id);
    const layers = ownLayers(image, this.#table.all(), this.#context.collector.chainsInUse());
    const { items, events, images, layers: all } = this.#result;
    items.push({ Deleted: image.id }, ...layers.map((chainId) => ({ Deleted: chainId })));
    events.push(["delete", image]);
    images.push(image);
    all.push(...layers);
  }

  #users({ id }: ImageRecord): readonly ImageUser[] {
    return this.#context.options.containersUsing(id);
  }

  /** Running containers can't be overridden, stopped ones by force. */
  #conflict(image: ImageRecord, force: boolean): Error | undefined {
    const users = this.#users(image);
    const running = users.find((user) => user.running);
    if (running !== undefined)
      return unableToDelete(image, true, `image is being used by running container ${short(running.id)}`);
    const [stopped] = users;
    if (stopped === undefined || force) return undefined;
    return unableToDelete(image, false, `image is being used by stopped container ${short(stopped.id)}`);
  }
}

/** Whether all names of the image are in one repository, and at most one has a tag. */
function isSingle({ tags, digests }: ImageRecord): boolean {
  const [first] = tags.length > 0 ? tags : digests;
  if (first === undefined || tags.length + digests.length === 1) return true;
  const { registry, repository } = first;
  if (tags.length > 1 || digests.length === 0) return false;
  return digests.every((own) => own.registry === registry && own.repository === repository);
}

/** The image's own name for what a client wrote, which may have a tag beside a digest, or none. */
function ownName(
  { tags, digests }: ImageRecord,
  { registry, repository, tag, digest }: Reference,
): Reference {
  const matches = (own: Reference): boolean =>
    own.registry === registry &&
    own.repository === repository &&
    (digest === undefined ? own.tag === (tag ?? "latest") : own.digest === digest);
  return [...tags, ...digests].find(matches) ?? { registry, repository, tag, digest };
}

function unableToDelete({ id }: ImageRecord, hard: boolean, why: string): Error {
  const force = hard ? "cannot be forced" : "must be forced";
  return failure("conflict", { message: `conflict: unable to delete ${short(id)} (${force}) - ${why}` });
}

/** The twelve digits that Docker shows of an ID. */
function short(id: string): string {
  return id.slice(id.indexOf(":") + 1).slice(0, 12);
}
