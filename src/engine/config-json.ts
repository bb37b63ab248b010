/**
 * config.json as text. The list of system calls is most of it and the same for most containers, so its text is kept.
 * @module
 */
import { printExactly } from "../security/mod.ts";
import type { Spec } from "../runtime/mod.ts";

const filters = new WeakMap<object, string>();
const PLACE = '"caisson:seccomp"';

/** The text of config.json. */
export function configJson(spec: Spec): string {
  const { seccomp } = spec.linux;
  if (seccomp === undefined) return printExactly(spec);
  let filter = filters.get(seccomp);
  if (filter === undefined) filters.set(seccomp, (filter = printExactly(seccomp)));
  const rest = JSON.stringify({ ...spec, linux: { ...spec.linux, seccomp: JSON.parse(PLACE) as string } });
  // The last one: nothing that a client can name comes behind the seccomp property's place.
  const at = rest.lastIndexOf(`"seccomp":${PLACE}`) + '"seccomp":'.length;
  return rest.slice(0, at) + filter + rest.slice(at + PLACE.length);
}
