/**
 * Asking registries: searching, and what they have under a name.
 * @module
 */
import { parseReference } from "../image/mod.ts";
import {
  defaultRetry,
  describeImage,
  openRegistry,
  searchIndex,
  type SearchResult,
} from "../image/registry/mod.ts";
import { failure } from "../errors/mod.ts";
import type { Filters, Json, RegistryAuth } from "./engine.ts";
import { booleanFilter, checkFilters } from "./filters.ts";
import type { ImageContext } from "./images-context.ts";

/** What is searched for. */
export interface SearchRequest {
  readonly term: string;
  /** 1 to 100. */
  readonly limit?: number;
  readonly filters: Filters;
  readonly auth?: RegistryAuth;
  readonly signal: AbortSignal;
}

const accepted: ReadonlySet<string> = new Set(["is-automated", "is-official", "stars"]);
const defaultLimit = 25;
const mostResults = 100;

/** Searches and filters as dockerd does. */
export async function searchImages(
  { options }: ImageContext,
  request: SearchRequest,
): Promise<SearchResult[]> {
  const { term, filters, auth, signal, limit = 0 } = request;
  checkFilters(filters, accepted);
  const official = booleanFilter(filters, "is-official");
  const automated = booleanFilter(filters, "is-automated");
  const stars = Math.max(0, ...(filters.get("stars") ?? []).map(starsOf));
  const wanted = limit === 0 ? defaultLimit : limit;
  if (wanted < 1 || wanted > mostResults)
    throw failure("invalid-parameter", {
      message: `limit ${wanted} is outside the range of [1, ${mostResults}]`,
    });
  const found = await searchIndex(term, wanted, options.registry(), auth, signal);
  return found.filter(
    (one) =>
      (official === undefined || one.is_official === official) &&
      (automated === undefined || one.is_automated === automated) &&
      one.star_count >= stars,
  );
}

function starsOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw failure("invalid-parameter", { message: `invalid filter 'stars=[${text}]'` });
}

/** `GET /distribution/{name}/json` */
export async function describeInRegistry(
  { options }: ImageContext,
  name: string,
  { auth, signal }: { readonly auth?: RegistryAuth; readonly signal: AbortSignal },
): Promise<Json> {
  const reference = parseReference(name);
  const session = await openRegistry({
    reference,
    config: options.registry(),
    retry: { ...defaultRetry, attempts: 1 },
    signal,
    ...(auth === undefined ? {} : { auth }),
  });
  const { descriptor, platforms } = await describeImage(session, reference, signal);
  return {
    Descriptor: descriptor,
    Platforms: platforms.map(({ os, architecture, variant }) => ({
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
    })),
  };
}
