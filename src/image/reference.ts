/**
 * References to images as Docker writes them: parsed, checked and brought to their normal form. Grammar and texts are
 * those of github.com/distribution/reference.
 * @module
 */
import { failure, type CaissonError } from "../errors/mod.ts";

/** A name in its normal form: `busybox` is `docker.io`, `library/busybox`, without tag until {@link withDefaultTag}. */
export interface Reference {
  /** Host with an optional port; `docker.io` is Docker's own registry. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** What a user's word for an image can mean. A reference is looked up first, then an ID that starts so. */
export interface ImageQuery {
  readonly reference?: Reference;
  /** Hexadecimal start of an image's ID; all 64 digits of it if `reference` is undefined. */
  readonly idPrefix?: string;
}

const defaultRegistry = "docker.io";
const officialPrefix = "library/";
const longestRepository = 255;
const tooLong = `repository name must not be more than ${longestRepository} characters`;

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const host = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const grammar = new RegExp(
  `^(${host}(?::[0-9]+)?)/(${pathComponent}(?:/${pathComponent})*)(?::(${tag}))?(?:@(${digest}))?$`,
);
const tagForm = new RegExp(`^${tag}$`);
const idForm = /^[a-f0-9]{64}$/;
const prefixForm = /^(?:sha256:)?([a-f0-9]{1,64})$/;
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };
/** The longest text that can be valid: a host, a repository, a tag and a digest. */
const longest = 1024;

/** Parses `[HOST[:PORT]/]PATH[:TAG][@DIGEST]` and normalises it. Throws `invalid-reference` in Docker's words. */
export function parseReference(text: string): Reference {
  if (text.length > longest) throw invalid(text, /^[a-z0-9._/-]+$/.test(text) ? tooLong : undefined);
  if (idForm.test(text))
    throw invalid(text, `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const { registry, remainder } = splitRegistry(text);
  const repository = remainder.split(":", 1)[0] ?? "";
  if (repository.toLowerCase() !== repository)
    throw invalid(text, `invalid reference format: repository name (${repository}) must be lowercase`);
  const match = grammar.exec(`${registry}/${remainder}`);
  if (match === null) throw invalid(text);
  if ((match[2] ?? "").length > longestRepository) throw invalid(text, tooLong);
  if (match[4] !== undefined) checkDigest(text, match[4]);
  return {
    registry,
    repository: match[2] ?? "",
    ...(match[3] === undefined ? {} : { tag: match[3] }),
    ...(match[4] === undefined ? {} : { digest: match[4] }),
  };
}

/** Parses what names an image in a command: a reference, an ID, or the start of one. Throws `invalid-reference`. */
export function parseImageQuery(text: string): ImageQuery {
  const idPrefix = prefixForm.exec(text)?.[1];
  if (idPrefix?.length === 64) return { idPrefix };
  return { reference: parseReference(text), ...(idPrefix === undefined ? {} : { idPrefix }) };
}

/** The reference with the tag `latest` if it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: "latest" }
    : reference;
}

/** The reference with another tag and no digest. Throws `invalid-reference` if the tag isn't one. */
export function withTag({ registry, repository }: Reference, newTag: string): Reference {
  if (!tagForm.test(newTag)) throw invalid(newTag, "invalid tag format");
  return { registry, repository, tag: newTag };
}

/** Throws `invalid-parameter` if an image can't get this name: one with a digest, or one that reads like a digest. */
export function checkTaggable(reference: Reference): void {
  if (reference.digest !== undefined)
    throw failure("invalid-parameter", { message: "refusing to create a tag with a digest reference" });
  if (familiarName(reference) === "sha256")
    throw failure("invalid-parameter", {
      message: "refusing to create an ambiguous tag using digest algorithm as name",
    });
}

/** The name without what is implied: `busybox` for `docker.io/library/busybox`. */
export function familiarName({ registry, repository }: Reference): string {
  if (registry !== defaultRegistry) return `${registry}/${repository}`;
  const short = repository.startsWith(officialPrefix) ? repository.slice(officialPrefix.length) : repository;
  return short.includes("/") ? repository : short;
}

/** The reference as Docker shows it: `busybox:1.36`, `localhost:5000/a@sha256:…`. */
export function familiarReference(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

/** The reference in full: `docker.io/library/busybox:1.36`. */
export function canonicalReference(reference: Reference): string {
  return `${reference.registry}/${reference.repository}${suffix(reference)}`;
}

function suffix({ tag: ownTag, digest: ownDigest }: Reference): string {
  return (ownTag === undefined ? "" : `:${ownTag}`) + (ownDigest === undefined ? "" : `@${ownDigest}`);
}

/** What comes before the first slash is a host only if it looks like one: a dot, a port, upper case, or localhost. */
function splitRegistry(text: string): { readonly registry: string; readonly remainder: string } {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  const registry = !isHost || first === "index.docker.io" ? defaultRegistry : first;
  const remainder = isHost ? text.slice(slash + 1) : text;
  const official = registry === defaultRegistry && !remainder.includes("/");
  return { registry, remainder: official ? officialPrefix + remainder : remainder };
}

function checkDigest(text: string, value: string): void {
  const [algorithm = "", hex = ""] = value.split(":");
  const length = digestLengths[algorithm];
  if (length === undefined) throw invalid(text, "unsupported digest algorithm");
  if (hex.length !== length) throw invalid(text, "invalid checksum digest length");
  if (hex.toLowerCase() !== hex) throw invalid(text, "invalid checksum digest format");
}

function invalid(reference: string, text?: string): CaissonError {
  return failure("invalid-reference", { reference, text });
}
