import { expect, jest, setSystemTime, test } from "bun:test";
import type { EngineEvent } from "./engine.ts";
import { eventPredicate, EventLog, type NewEvent } from "./events.ts";
import { now } from "./time.ts";

const none = new Map<string, string[]>();

function containerEvent(Action: string, attributes: Record<string, string> = {}): NewEvent {
  return {
    Type: "container",
    Action,
    Actor: { ID: "8d62c0b2a4b4", Attributes: { image: "busybox:1.36", name: "g1", ...attributes } },
  };
}

async function actions(events: AsyncIterable<EngineEvent>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { Action } of events) seen.push(Action);
  return seen;
}

test("who subscribes gets what is published from then on, in order", async () => {
  const log = new EventLog();
  log.publish(containerEvent("create"));
  const stop = new AbortController();
  const events = log.subscribe({ filters: none, signal: stop.signal })[Symbol.asyncIterator]();
  const waiting = events.next();
  log.publish(containerEvent("start"));
  log.publish(containerEvent("die"));
  const { value } = await waiting;
  expect(value).toMatchObject({ Type: "container", Action: "start", scope: "local" });
  expect(BigInt(value.time)).toBe(value.timeNano / 1_000_000_000n);
  expect((await events.next()).value.Action).toBe("die");
  expect(log.listeners).toBe(1);
  stop.abort();
  expect((await events.next()).done).toBe(true);
  expect(log.listeners).toBe(0);
});

test("since gives past events, at most 256", async () => {
  const log = new EventLog();
  for (let i = 0; i < 300; i++) log.publish(containerEvent(`a${i}`));
  const signal = new AbortController().signal;
  const all = await actions(log.subscribe({ since: 1n, until: now(), filters: none, signal }));
  expect([all.length, all[0], all.at(-1)]).toEqual([256, "a44", "a299"]);
  const limit = now();
  log.publish(containerEvent("later"));
  expect(await actions(log.subscribe({ since: limit, until: now(), filters: none, signal }))).toEqual([
    "later",
  ]);
  expect((await actions(log.subscribe({ until: limit, filters: none, signal }))).at(-1)).toBe("a299");
});

test("until in the future ends the stream then", async () => {
  const log = new EventLog();
  const signal = new AbortController().signal;
  const events = log.subscribe({ until: now() + 30_000_000n, filters: none, signal });
  log.publish(containerEvent("start"));
  expect(await actions(events)).toEqual(["start"]);
  expect(log.listeners).toBe(0);
});

test("a clock that is set forward beyond `until` ends the stream within a minute", () => {
  jest.useFakeTimers();
  try {
    const log = new EventLog();
    const { signal } = new AbortController();
    log.subscribe({ until: now() + 3_000_000_000_000n, filters: none, signal });
    jest.advanceTimersByTime(60_000);
    expect(log.listeners).toBe(1);
    setSystemTime(new Date(Date.now() + 7_200_000));
    jest.advanceTimersByTime(60_000);
    expect(log.listeners).toBe(0);
  } finally {
    jest.useRealTimers();
    setSystemTime();
  }
});

test("who doesn't read misses events and holds up nobody", async () => {
  const log = new EventLog();
  const stop = new AbortController();
  const slow = log.subscribe({ filters: none, signal: stop.signal });
  for (let i = 0; i < 20_000; i++) log.publish(containerEvent(`a${i}`));
  log.close();
  expect((await actions(slow)).length).toBe(8192);
});

test("leaving the loop unsubscribes", async () => {
  const log = new EventLog();
  const events = log.subscribe({ filters: none, signal: new AbortController().signal });
  log.publish(containerEvent("start"));
  for await (const _ of events) break;
  expect(log.listeners).toBe(0);
});

function matches(filters: Record<string, string[]>, event: NewEvent): boolean {
  const predicate = eventPredicate(new Map(Object.entries(filters)));
  return predicate?.({ ...event, scope: "local", time: 1, timeNano: 1n }) ?? true;
}

test("filters follow dockerd's rules", () => {
  const start = containerEvent("start");
  expect(matches({ event: ["start"] }, start)).toBe(true);
  expect(matches({ event: ["star"] }, start)).toBe(false);
  expect(matches({ event: ["exec_create"] }, containerEvent("exec_create: true "))).toBe(true);
  expect(matches({ event: ["health_status", "sta"] }, start)).toBe(true);
  expect(matches({ container: ["g"] }, start)).toBe(true);
  expect(matches({ container: ["8d62"] }, start)).toBe(true);
  expect(matches({ container: ["1"] }, start)).toBe(false);
  expect(matches({ container: ["x", "g1"], type: ["container"], scope: ["local"] }, start)).toBe(true);
  expect(matches({ type: ["image"] }, start)).toBe(false);
  expect(matches({ scope: ["swarm"] }, start)).toBe(false);
  expect(matches({ nonsense: ["x"] }, start)).toBe(true);
  expect(matches({ label: ["a=1", "b"] }, containerEvent("start", { a: "1", b: "" }))).toBe(true);
  expect(matches({ label: ["a=1", "c"] }, containerEvent("start", { a: "1", b: "" }))).toBe(false);
});

test("an image matches with and without its tag", () => {
  const start = containerEvent("start");
  expect(matches({ image: ["busybox:1.36"] }, start)).toBe(true);
  expect(matches({ image: ["busybox"] }, start)).toBe(true);
  expect(matches({ image: ["busybox:latest"] }, start)).toBe(false);
  const pull: NewEvent = {
    Type: "image",
    Action: "pull",
    Actor: { ID: "sha256:ab", Attributes: { name: "localhost:5000/a:1" } },
  };
  expect(matches({ image: ["localhost:5000/a"] }, pull)).toBe(true);
  expect(matches({ image: ["sha256:ab"] }, pull)).toBe(true);
});
