/**
 * What a registry has under a reference, without pulling it: `GET /distribution/{name}/json`; and its list of tags.
 * @module
 */
import { failure, isFailure } from "../../errors/mod.ts";
import { digestOf } from "../digest.ts";
import { withDefaultTag } from "../reference.ts";
import { refusedFailure } from "./failures.ts";
import { configLimit, parseManifest } from "./manifest.ts";
import { refusalOf } from "./refusal.ts";
import type { Session } from "./session.ts";
import type { Descriptor, Platform, RegistryReference } from "./types.ts";

/** What a reference stands for, and the platforms that it is for. */
export interface DescribedImage {
  readonly descriptor: Descriptor;
  readonly platforms: readonly Platform[];
}

const tagsLimit = 4 * 1024 * 1024;
/** Pages of a list of tags that are read, and no more. */
const mostPages = 1000;
const tagForm = /^\w[\w.-]{0,127}$/;

/** Asks for a manifest or an index. Fails with `not-found` in Docker's words if there is none. */
export async function describeImage(
  session: Session,
  given: RegistryReference,
  signal?: AbortSignal,
): Promise<DescribedImage> {
  const reference = withDefaultTag(given);
  const name = reference.digest ?? reference.tag ?? "latest";
  try {
    const { bytes, contentType } = await session.manifest(name, signal);
    const digest = digestOf(bytes);
    if (reference.digest !== undefined && reference.digest !== digest)
      throw failure("digest-mismatch", { what: "manifest", expected: reference.digest, actual: digest });
    const parsed = parseManifest(name, contentType, bytes);
    const descriptor = { mediaType: parsed.mediaType, digest, size: bytes.length };
    if (parsed.kind === "index") {
      const platforms = parsed.manifests.flatMap(({ platform }) =>
        platform === undefined ? [] : [platform],
      );
      return { descriptor, platforms };
    }
    return { descriptor, platforms: [await platformOf(session, parsed.config, signal)] };
  } catch (error) {
    if (!isFailure(error, "manifest-unknown")) throw error;
    throw failure("not-found", { message: "manifest unknown: manifest unknown" }, error);
  }
}

/** An image says in its configuration what it is for. */
async function platformOf(session: Session, config: Descriptor, signal?: AbortSignal): Promise<Platform> {
  const answer = await session.blob(config.digest, 0, signal);
  if (answer.status !== 200) throw await refusalOf(answer, session.reference);
  const bytes = await answer.bytes(configLimit);
  if (bytes === undefined)
    throw refusedFailure(answer.url, `the configuration is longer than ${configLimit} bytes`);
  const { os, architecture, variant } = parseObject(bytes);
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return {
    os: text(os),
    architecture: text(architecture),
    ...(text(variant) === "" ? {} : { variant: text(variant) }),
  };
}

/** All tags of the session's repository, in the registry's order. */
export async function listTags(session: Session, signal?: AbortSignal): Promise<string[]> {
  const tags: string[] = [];
  let path: string | undefined = "tags/list";
  for (let page = 0; path !== undefined && page < mostPages; page += 1) {
    const answer = await session.send({ path, signal });
    if (answer.status !== 200) throw await refusalOf(answer, session.reference);
    const next = /<[^>]*\/tags\/list\?([^>]*)>\s*;\s*rel="?next"?/.exec(
      answer.headers.get("link") ?? "",
    )?.[1];
    const bytes = await answer.bytes(tagsLimit);
    if (bytes === undefined)
      throw refusedFailure(answer.url, `a page of tags is longer than ${tagsLimit} bytes`);
    const { tags: found } = parseObject(bytes);
    for (const tag of Array.isArray(found) ? (found as unknown[]) : [])
      if (typeof tag === "string" && tagForm.test(tag)) tags.push(tag);
    path = next === undefined ? undefined : `tags/list?${next}`;
  }
  return tags;
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
