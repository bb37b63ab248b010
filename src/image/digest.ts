/**
 * Digests: `algorithm:hex` (OCI image spec, "Digests"), and the chain IDs that layers are known by.
 * @module
 */
import { createHash } from "node:crypto";
import { failure } from "../errors/mod.ts";

/** Algorithms that content is checked with. */
export type DigestAlgorithm = "sha256" | "sha512";

/** A digest taken apart. */
export interface DigestParts {
  readonly algorithm: DigestAlgorithm;
  /** Lower case, of exactly the algorithm's length: safe as the name of a file. */
  readonly hex: string;
}

const form = /^(?:(sha256):([a-f0-9]{64})|(sha512):([a-f0-9]{128}))$/;

/** Takes a digest apart. Throws `invalid-parameter` for anything that isn't one, so that it can't become a path. */
export function parseDigest(text: string): DigestParts {
  const match = form.exec(text);
  if (match === null)
    throw failure("invalid-parameter", { message: `invalid digest ${JSON.stringify(text.slice(0, 160))}` });
  return match[1] === undefined
    ? { algorithm: "sha512", hex: match[4] ?? "" }
    : { algorithm: "sha256", hex: match[2] ?? "" };
}

/** The sha256 digest of the bytes. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * The chain ID of each layer, from the lowest up: what a layer is together with all below it, and so the key of its
 * snapshot (OCI image spec, "Layer ChainID").
 */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
