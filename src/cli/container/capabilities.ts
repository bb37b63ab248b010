/**
 * `--cap-add` and `--cap-drop` in their normal form.
 * @module
 */

/** Capabilities by their full names, sorted; empty lists are left out by the caller. */
export interface CapabilityLists {
  readonly CapAdd: readonly string[];
  readonly CapDrop: readonly string[];
}

/**
 * Brings names to `CAP_…` or `ALL`. `ALL` stands for every other name in its list; what is added is not dropped
 * (docker's opts.EffectiveCapAddCapDrop).
 */
export function capabilities(add: readonly string[], drop: readonly string[]): CapabilityLists {
  const added = normalSet(add);
  const dropped = [...normalSet(drop)].filter((name) => !added.has(name));
  return { CapAdd: [...added].toSorted(), CapDrop: dropped.toSorted() };
}

function normalSet(names: readonly string[]): ReadonlySet<string> {
  const normal = new Set(names.map(normalize).filter((name) => name !== "RESET"));
  return normal.has("ALL") ? new Set(["ALL"]) : normal;
}

function normalize(name: string): string {
  const upper = name.trim().toUpperCase();
  return upper === "ALL" || upper === "RESET" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
}
