/**
 * Compiled filters of profiles that are used again and again.
 * @module
 */
import { type CompiledSeccomp, compileSeccomp } from "./compile.ts";
import { type Circumstances, expand, versionOf } from "./expand.ts";
import type { SeccompProfile } from "./types.ts";

interface Entry {
  /** Capabilities that the profile's conditions speak of: all others make no difference. */
  readonly capabilities: readonly string[];
  readonly compiled: Map<string, CompiledSeccomp | undefined>;
}

const entries = new WeakMap<SeccompProfile, Entry>();

/**
 * Expands and compiles `profile`, once for each set of circumstances that makes a difference to it. The profile is
 * known by its identity; keep it to keep the filter.
 * @returns undefined where the profile switches seccomp off
 */
export function seccompFilter(
  profile: SeccompProfile,
  circumstances: Circumstances,
): CompiledSeccomp | undefined {
  let entry = entries.get(profile);
  if (entry === undefined) {
    const named = profile.syscalls.flatMap(({ includes, excludes }) => [
      ...(includes?.caps ?? []),
      ...(excludes?.caps ?? []),
    ]);
    entries.set(profile, (entry = { capabilities: [...new Set(named)], compiled: new Map() }));
  }
  const relevant = entry.capabilities
    .map((cap) => (circumstances.capabilities.includes(cap) ? "1" : "0"))
    .join("");
  const key = `${circumstances.arch} ${versionOf(circumstances.kernel).join(".")} ${relevant}`;
  if (entry.compiled.has(key)) return entry.compiled.get(key);
  const expanded = expand(profile, circumstances);
  const compiled = expanded && compileSeccomp(expanded, circumstances);
  entry.compiled.set(key, compiled);
  return compiled;
}
