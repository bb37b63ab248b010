/**
 * What happens in the engine, told to whoever listens. The last 256 events are remembered, as in dockerd.
 * @module
 */
import { familiarName, parseReference } from "../image/mod.ts";
import type { EngineEvent, Events, Filters } from "./engine.ts";
import { exactMatch, labelsMatch, prefixMatch } from "./filters.ts";
import { now } from "./time.ts";

/** An event as its source tells it; scope and time are added. */
export type NewEvent = Pick<EngineEvent, "Type" | "Action" | "Actor">;

type Predicate = (event: EngineEvent) => boolean;

/** So many past events a subscriber may still ask for. */
const remembered = 256;
/** So many events a subscriber may be behind; it misses the ones after them. */
const longestQueue = 8192;
/** Milliseconds after which the clock, which may have been set, is asked again. */
const longestWait = 60_000;
/** Actions with an argument: asking for one of them without it makes all of `event` match by their beginning. */
const actionsWithArgument = ["health_status", "exec_create", "exec_start"];
/** Filters that match the beginning of the actor's ID or name, whatever the event's type is. */
const actorFilters = [
  "daemon",
  "container",
  "plugin",
  "volume",
  "network",
  "node",
  "service",
  "secret",
  "config",
];

/** All events of an engine. */
export class EventLog implements Events {
  /** A ring: the oldest is at `#next` once it is full. */
  readonly #past: EngineEvent[] = [];
  #next = 0;
  readonly #subscriptions = new Set<Subscription>();

  /** How many listen. */
  get listeners(): number {
    return this.#subscriptions.size;
  }

  /** Tells everybody; never waits for anybody. */
  publish({ Type, Action, Actor }: NewEvent): void {
    const timeNano = now();
    const time = Number(timeNano / 1_000_000_000n);
    const event: EngineEvent = { Type, Action, Actor, scope: "local", time, timeNano };
    this.#past[this.#next] = event;
    this.#next = (this.#next + 1) % remembered;
    for (const subscription of this.#subscriptions) subscription.offer(event);
  }

  /** Listens from this call on, not from the first `next()`. Ends by `until`, by `signal`, or by leaving the loop. */
  subscribe(options: {
    since?: bigint;
    until?: bigint;
    filters: Filters;
    signal: AbortSignal;
  }): AsyncIterable<EngineEvent> {
    const { since, until, signal } = options;
    const matches = eventPredicate(options.filters);
    const subscription = new Subscription(matches, () => this.#subscriptions.delete(subscription));
    if (since !== undefined || until !== undefined) {
      for (const event of this.#chronological()) {
        // As in dockerd: what ends at the epoch or before has no end.
        const late = until !== undefined && until > 0n && event.timeNano > until;
        if (event.timeNano >= (since ?? 0n) && !late) subscription.offer(event);
      }
    }
    if (signal.aborted || (until !== undefined && until <= now())) {
      subscription.close();
      return subscription;
    }
    this.#subscriptions.add(subscription);
    subscription.endBy(signal, until);
    return subscription;
  }

  /** Ends every subscription. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
  }

  #chronological(): EngineEvent[] {
    return [...this.#past.slice(this.#next), ...this.#past.slice(0, this.#next)];
  }
}

/** One listener: a bounded queue between the publisher, who never waits, and a reader who may be slow. */
class Subscription implements AsyncIterableIterator<EngineEvent> {
  readonly #matches: Predicate | undefined;
  readonly #left: () => void;
  #queue: EngineEvent[] = [];
  /** Events of the queue that were read. */
  #read = 0;
  #waiting: ((result: IteratorResult<EngineEvent>) => void) | undefined;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;
  readonly #abort = (): void => {
    this.#queue = [];
    this.#read = 0;
    this.close();
  };

  constructor(matches: Predicate | undefined, left: () => void) {
    this.#matches = matches;
    this.#left = left;
  }

  offer(event: EngineEvent): void {
    if (this.#matches !== undefined && !this.#matches(event)) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting({ done: false, value: event });
      return;
    }
    if (this.#queue.length - this.#read < longestQueue) this.#queue.push(event);
  }

  endBy(signal: AbortSignal, until: bigint | undefined): void {
    this.#signal = signal;
    signal.addEventListener("abort", this.#abort, { once: true });
    if (until !== undefined) this.#wake(until);
  }

  #wake(until: bigint): void {
    const left = Number((until - now()) / 1_000_000n) + 1;
    if (left <= 0) return this.close();
    this.#timer = setTimeout(() => this.#wake(until), Math.min(left, longestWait));
    this.#timer.unref();
  }

  /** Nothing new comes; what is in the queue may still be read. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#left();
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  async next(): Promise<IteratorResult<EngineEvent>> {
    const value = this.#queue[this.#read];
    if (value !== undefined) {
      this.#read += 1;
      if (this.#read === this.#queue.length || this.#read === longestQueue) {
        this.#queue = this.#queue.slice(this.#read);
        this.#read = 0;
      }
      return { done: false, value };
    }
    if (this.#closed) return { done: true, value: undefined };
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  async return(): Promise<IteratorResult<EngineEvent>> {
    this.#abort();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** What `filters` let through, by dockerd's rules; undefined: everything. Names that dockerd ignores are ignored. */
export function eventPredicate(filters: Filters): Predicate | undefined {
  const tests: Predicate[] = [];
  const actions = filters.get("event") ?? [];
  if (actions.some((action) => actionsWithArgument.includes(action)))
    tests.push(({ Action }) => prefixMatch(filters, "event", Action));
  else if (actions.length > 0) tests.push(({ Action }) => exactMatch(filters, "event", Action));
  if (filters.has("type")) tests.push(({ Type }) => exactMatch(filters, "type", Type));
  if (filters.has("scope")) tests.push(({ scope }) => exactMatch(filters, "scope", scope));
  for (const name of actorFilters) {
    if (!filters.has(name)) continue;
    tests.push(
      ({ Actor }) =>
        prefixMatch(filters, name, Actor.ID) || prefixMatch(filters, name, Actor.Attributes["name"] ?? ""),
    );
  }
  if (filters.has("image")) tests.push((event) => matchesImage(filters, event));
  if (filters.has("label")) tests.push(({ Actor }) => labelsMatch(filters, "label", Actor.Attributes));
  return tests.length === 0 ? undefined : (event) => tests.every((test) => test(event));
}

function matchesImage(filters: Filters, { Type, Actor }: EngineEvent): boolean {
  const name = Actor.Attributes[Type === "image" ? "name" : "image"] ?? "";
  return [Actor.ID, name, withoutTag(Actor.ID), withoutTag(name)].some((text) =>
    exactMatch(filters, "image", text),
  );
}

function withoutTag(text: string): string {
  try {
    return familiarName(parseReference(text));
  } catch {
    return text;
  }
}
