/**
 * References to images for the command line: the image folder's own grammar, without the rest of that folder, which would
 * cost a command its start-up time.
 * @module
 */
import { familiarReference, parseReference, withDefaultTag, type Reference } from "../image/reference.ts";

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

/** What a reference is asked for by: its tag, or `@`-less digest. */
export function tagOrDigest(reference: Reference): string | undefined {
  return reference.digest ?? reference.tag;
}
