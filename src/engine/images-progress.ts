/**
 * Long work that tells how it goes: callbacks on one side, a stream of progress on the other.
 * @module
 */
import type { Progress } from "./engine.ts";

/** Tells the client something. Never waits. */
export type Emit = (progress: Progress) => void;

/**
 * Runs `work` and yields what it emits, in its order; ends, or throws, as it does. When the reader leaves, `work`'s
 * signal fires, and the generator's return waits for it. So it does when `outer` fires.
 */
export async function* reporting(
  work: (emit: Emit, signal: AbortSignal) => Promise<void>,
  outer?: AbortSignal,
): AsyncGenerator<Progress, void, void> {
  const left = new AbortController();
  const signal = outer === undefined ? left.signal : AbortSignal.any([outer, left.signal]);
  let queue: Progress[] = [];
  let wake = Promise.withResolvers<void>();
  let ended = false;
  const emit: Emit = (progress) => {
    queue.push(progress);
    wake.resolve();
  };
  const done = work(emit, signal).finally(() => {
    ended = true;
    wake.resolve();
  });
  // It is awaited below, but perhaps only after it failed.
  done.catch(() => undefined);
  try {
    while (!ended || queue.length > 0) {
      await wake.promise;
      wake = Promise.withResolvers();
      const batch = queue;
      queue = [];
      for (const progress of batch) yield progress;
      if (ended) wake.resolve();
    }
    await done;
  } finally {
    left.abort();
    await done.catch(() => undefined);
  }
}
