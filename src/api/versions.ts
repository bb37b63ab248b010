/**
 * The versions of the Engine API that are spoken, as dockerd 28.5.2 claims them.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** The newest version, which unversioned paths mean. A version 1.NN is kept as the number NN. */
export const newest: number = 51;

/** The oldest version that is answered. */
const oldest: number = 24;

/** What `Api-Version` says. */
export const apiVersion: string = `1.${newest}`;

/** What `MinAPIVersion` says. */
export const minimumApiVersion: string = `1.${oldest}`;

export { serverVersion } from "../engine/version.ts";

const known = new Map<string, number>(
  Array.from({ length: newest - oldest + 1 }, (_, i) => [`1.${oldest + i}`, oldest + i]),
);

/**
 * The version that a path's `/vX.Y` asks for, as NN of 1.NN; a third part is ignored as long as it stays in range.
 * Throws `client-too-old` and `client-too-new`.
 */
export function parseVersion(text: string): number {
  const direct = known.get(text);
  if (direct !== undefined) return direct;
  if (compare(text, minimumApiVersion) < 0)
    throw failure("client-too-old", { version: text, minimum: minimumApiVersion });
  if (compare(text, apiVersion) > 0) throw failure("client-too-new", { version: text, maximum: apiVersion });
  return Number(text.split(".")[1] ?? 0);
}

/** Compares dotted numbers as moby's `versions` package does: part by part, what lacks counting as 0. */
function compare(a: string, b: string): number {
  const left = a.split(".");
  const right = b.split(".");
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = Number(left[i] ?? 0) - Number(right[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
