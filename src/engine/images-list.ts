/**
 * The list of images, filtered by dockerd's rules.
 * @module
 */
import { familiarName, familiarReference, type Reference } from "../image/mod.ts";
import type { Filters, Json } from "./engine.ts";
import { booleanFilter, checkFilters, pruneLabelsMatch } from "./filters.ts";
import { parseMoment } from "./moment.ts";
import type { ImageContext } from "./images-context.ts";
import { shellPattern } from "./images-match.ts";
import type { ImageRecord } from "./images-table.ts";
import { now, parseTime } from "./time.ts";

const accepted: ReadonlySet<string> = new Set([
  "before",
  "dangling",
  "label",
  "label!",
  "reference",
  "since",
  "until",
]);

/** When the image was made, in nanoseconds since the epoch; 0 if it doesn't say. */
export function createdAt({ config }: Pick<ImageRecord, "config">): bigint {
  return parseTime(config.created ?? "");
}

/** Bytes of what the image's layers hold. */
export async function imageSize(context: ImageContext, { chain }: ImageRecord): Promise<number> {
  return await chainSize(context, chain);
}

/** How many images each layer is in. */
function layerUsers(images: Iterable<ImageRecord>): Map<string, number> {
  const users = new Map<string, number>();
  for (const { chain } of images)
    for (const chainId of new Set(chain)) users.set(chainId, (users.get(chainId) ?? 0) + 1);
  return users;
}

async function chainSize({ storage }: ImageContext, chain: readonly string[]): Promise<number> {
  const sizes = await Promise.all(chain.map((chainId) => storage.layerSize(chainId)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The images as `GET /images/json` answers, the newest first. */
export async function listImages(
  context: ImageContext,
  options: { readonly filters: Filters; readonly sharedSize: boolean },
): Promise<Json[]> {
  const { filters } = options;
  checkFilters(filters, accepted);
  const dangling = booleanFilter(filters, "dangling");
  const inTime = timeFilter(context, filters);
  const named = nameFilter(filters);
  const found: { readonly image: ImageRecord; readonly tags: Reference[]; readonly digests: Reference[] }[] =
    [];
  for (const image of context.store.table.all()) {
    if (!inTime(createdAt(image)) || !pruneLabelsMatch(filters, image.config.config.Labels)) continue;
    const tags = image.tags.filter(named);
    const digests = image.digests.filter(named);
    if (filters.has("reference") && tags.length + digests.length === 0) continue;
    if (dangling === true && tags.length > 0) continue;
    if (dangling === false && tags.length + digests.length === 0) continue;
    found.push({ image, tags, digests });
  }
  found.sort((a, b) => Number(createdAt(b.image) - createdAt(a.image)));
  const users = options.sharedSize ? layerUsers(context.store.table.all()) : undefined;
  const summaries = await Promise.all(found.map(async (item) => await summarize(context, item, users)));
  return summaries.filter((summary) => summary !== undefined);
}

interface Found {
  readonly image: ImageRecord;
  readonly tags: readonly Reference[];
  readonly digests: readonly Reference[];
}

/** The image in the list; undefined if it was removed in the meantime. */
async function summarize(
  context: ImageContext,
  { image, tags, digests }: Found,
  users: ReadonlyMap<string, number> | undefined,
): Promise<Json | undefined> {
  const { store, options } = context;
  const shared = image.chain.filter((chainId) => (users?.get(chainId) ?? 0) > 1);
  try {
    return {
      Containers: options.containersUsing(image.id).length,
      Created: Number(createdAt(image) / 1_000_000_000n),
      Id: image.id,
      Labels: image.config.config.Labels ?? null,
      ParentId: "",
      RepoDigests: digests.map(familiarReference),
      RepoTags: tags.map(familiarReference),
      SharedSize: users === undefined ? -1 : await chainSize(context, shared),
      Size: await imageSize(context, image),
    };
  } catch (error) {
    if (store.table.get(image.id) === undefined) return undefined;
    throw error;
  }
}

/** Whether a time lies between those of the images that `since` and `before` name, and before `until`. */
function timeFilter({ store }: ImageContext, filters: Filters): (created: bigint) => boolean {
  const times = (name: string): bigint[] =>
    (filters.get(name) ?? []).map((word) => createdAt(store.find(word)));
  const time = now();
  const until = (filters.get("until") ?? []).map((text) => parseMoment(text, time));
  const before = [...times("before"), ...until];
  const since = times("since");
  const dated = before.length + since.length > 0;
  // One that doesn't say when it was made is neither before nor after another.
  return (created) =>
    !(dated && created === 0n) &&
    before.every((time) => created < time) &&
    since.every((time) => created > time);
}

/** Whether a name in the form that people know, with or without its tag or digest, matches one of the patterns. */
function nameFilter(filters: Filters): (reference: Reference) => boolean {
  const patterns = filters.get("reference")?.map(shellPattern);
  if (patterns === undefined) return () => true;
  return (reference) => {
    const texts = [familiarReference(reference), familiarName(reference)];
    return patterns.some((matches) => texts.some(matches));
  };
}
