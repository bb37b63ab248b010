/**
 * Clients that wait for a container's end.
 * @module
 */
import type { Container } from "./container-store.ts";
import type { WaitAnswer, WaitCondition } from "./engine.ts";

/** Registers a wait at once; `done` resolves when its condition is met. */
export function waitForContainer(
  container: Container,
  condition: WaitCondition,
): { readonly done: Promise<WaitAnswer> } {
  const { state } = container;
  if (condition === "not-running" && !container.active) {
    const error = state.error === "" ? {} : { Error: { Message: state.error } };
    return { done: Promise.resolve({ StatusCode: state.exitCode, ...error }) };
  }
  const { promise, resolve } = Promise.withResolvers<WaitAnswer>();
  const waiters = condition === "removed" ? container.removalWaiters : container.exitWaiters;
  waiters.add(resolve);
  return { done: promise };
}
