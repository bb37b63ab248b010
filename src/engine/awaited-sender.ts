/**
 * Who writes into the root of a container that doesn't run keeps its start waiting. A start waits for a disk, and for a
 * client that sends; not for one that doesn't.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Container } from "./container-store.ts";

/** Milliseconds in which something must come when a start waits. */
const patience = 5000;

/** Of containers that are written into: says that their start waits. */
const writers = new WeakMap<Container, () => void>();
const starting = new WeakSet<Container>();

/** A start of the container begins: until the result is disposed of, whoever writes into its root may not dawdle. */
export function startBegins(container: Container): Disposable {
  starting.add(container);
  writers.get(container)?.();
  return { [Symbol.dispose]: () => void starting.delete(container) };
}

/**
 * What a client sends to be written into the container's root. Throws `conflict` if the container's start waits and nothing
 * comes for `most` milliseconds.
 */
export async function* sentInTime(
  container: Container,
  source: AsyncIterable<Uint8Array>,
  most: number = patience,
): AsyncGenerator<Uint8Array, void, void> {
  let next = Promise.withResolvers<IteratorResult<Uint8Array>>();
  let timer: NodeJS.Timeout | undefined;
  let asked = false;
  const hurry = (): void => {
    clearTimeout(timer);
    if (asked && starting.has(container)) timer = setTimeout(() => next.reject(tooLate(container)), most);
  };
  writers.set(container, hurry);
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      next = Promise.withResolvers();
      chunks.next().then(next.resolve, next.reject);
      asked = true;
      hurry();
      const chunk = await next.promise;
      asked = false;
      clearTimeout(timer);
      if (chunk.done === true) return;
      yield chunk.value;
    }
  } finally {
    clearTimeout(timer);
    writers.delete(container);
  }
}

const tooLate = ({ name }: Container): Error =>
  failure("conflict", {
    message: `container ${name} is being started, and nothing more of the archive has come`,
  });
