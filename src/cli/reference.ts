/**
 * References to images for the command line: the image folder's own grammar, without the rest of that folder, which would
 * cost a command its start-up time.
 * @module
 */
import {
  canonicalReference,
  familiarReference,
  parseReference,
  withDefaultTag,
  type Reference,
} from "../image/reference.ts";

export {
  canonicalReference,
  familiarName,
  parseReference,
  withDefaultTag,
  type Reference,
} from "../image/reference.ts";

/** The image as docker names it in messages: `busybox:latest` for `busybox`. @throws invalid-reference */
export function familiar(image: string): string {
  return familiarReference(withDefaultTag(parseReference(image)));
}

/** The image in full: `docker.io/library/busybox:latest`. @throws invalid-reference */
export function canonical(image: string): string {
  return canonicalReference(withDefaultTag(parseReference(image)));
}

/** What a reference is asked for by: its tag, or `@`-less digest. */
export function tagOrDigest(reference: Reference): string | undefined {
  return reference.digest ?? reference.tag;
}
