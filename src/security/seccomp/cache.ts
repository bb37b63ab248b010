/**
 * Profiles that are used again and again are expanded and compiled once. Everything is known by the identity of the
 * object that it was made from: whoever keeps a profile keeps what was made of it, and nothing has to be thrown out.
 * @module
 */
import type { Architecture } from "../../kernel/syscalls/mod.ts";
import { type CompiledSeccomp, compileSeccomp } from "./compile.ts";
import { type Circumstances, expand, versionOf } from "./expand.ts";
import type { OciSeccomp, SeccompProfile } from "./types.ts";

interface Entry {
  /** Capabilities that the profile's conditions speak of: all others make no difference. */
  readonly capabilities: readonly string[];
  readonly expanded: Map<string, OciSeccomp | undefined>;
}

const entries = new WeakMap<SeccompProfile, Entry>();
const filters = new WeakMap<OciSeccomp, Map<Architecture, CompiledSeccomp>>();

/**
 * {@link expand}, but the same object again for circumstances that the profile can't tell apart, so that
 * {@link compileOnce} knows it.
 */
export function expandOnce(profile: SeccompProfile, circumstances: Circumstances): OciSeccomp | undefined {
  let entry = entries.get(profile);
  if (entry === undefined) {
    const named = profile.syscalls.flatMap(({ includes, excludes }) => [
      ...(includes?.caps ?? []),
      ...(excludes?.caps ?? []),
    ]);
    entries.set(profile, (entry = { capabilities: [...new Set(named)], expanded: new Map() }));
  }
  const relevant = entry.capabilities.map((cap) => (circumstances.capabilities.includes(cap) ? "1" : "0"));
  const key = `${circumstances.arch} ${versionOf(circumstances.kernel).join(".")} ${relevant.join("")}`;
  if (!entry.expanded.has(key)) entry.expanded.set(key, expand(profile, circumstances));
  return entry.expanded.get(key);
}

/** {@link compileSeccomp}, once for each profile object and architecture. */
export function compileOnce(profile: OciSeccomp, target: { readonly arch: Architecture }): CompiledSeccomp {
  let compiled = filters.get(profile);
  if (compiled === undefined) filters.set(profile, (compiled = new Map()));
  let filter = compiled.get(target.arch);
  if (filter === undefined) compiled.set(target.arch, (filter = compileSeccomp(profile, target)));
  return filter;
}
