/**
 * Doing something again when it failed for a reason that may pass: exponential back-off, the server's wish respected.
 * @module
 */
import { isTransient, retryAfterOf } from "./failures.ts";

/** How often and how patiently something is tried. */
export interface RetryPolicy {
  /** Attempts in all, at least 1 (Docker's `max-download-attempts` is 5). */
  readonly attempts: number;
  /** The first pause in milliseconds; each next one is twice as long, up to half a minute. */
  readonly pause: number;
}

/** Five attempts over about 15 s. */
export const defaultRetry: RetryPolicy = { attempts: 5, pause: 1000 };
const longestPause = 30_000;

/** Runs `action` until it succeeds, fails with something that isn't `worthwhile`, or the attempts are used up. */
export async function retrying<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  action: () => Promise<T>,
  worthwhile: (error: unknown) => boolean = isTransient,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await action();
    } catch (error) {
      if (attempt >= policy.attempts || !worthwhile(error)) throw error;
      await pause(pauseBefore(attempt, policy, error), signal);
    }
}

/** Milliseconds to wait after the failed `attempt` (from 1): what the server asked for, else back-off with jitter. */
export function pauseBefore(attempt: number, policy: RetryPolicy, error: unknown): number {
  const backoff = Math.min(policy.pause * 2 ** (attempt - 1), longestPause);
  return retryAfterOf(error) ?? backoff * (0.75 + Math.random() / 2);
}

/** Waits; fails with the signal's reason if it is aborted before. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
