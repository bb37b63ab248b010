/**
 * Random numbers that a seed repeats, so that a run that failed can be run again.
 * @module
 */

/** A seed, from CAISSON_SEED or by chance; whoever uses it says it. */
export function chooseSeed(): number {
  return Number(process.env["CAISSON_SEED"] ?? Math.floor(Math.random() * 2 ** 31) + 1);
}

/** Numbers from 0 to 1 (Marsaglia's xorshift). */
export function random(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}
