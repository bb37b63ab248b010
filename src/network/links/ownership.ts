/**
 * Links of the host that drivers made bear a note: what a person made is used, never removed.
 * @module
 */
import type { LinkFacts } from "../driver.ts";
import type { NetworkRecord } from "../types.ts";

const MARK = "caisson network ";

/** The note on a link that is made for `network`. */
export function noteOf({ id }: NetworkRecord): string {
  return `${MARK}${id.slice(0, 12)}`;
}

/** Whether a driver made the link. */
export function isOurs({ alias }: LinkFacts): boolean {
  return alias?.startsWith(MARK) === true;
}
