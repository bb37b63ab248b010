import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { FakeSession } from "./fake-session.ts";
import { Pipeline } from "./pipeline.ts";

async function fill(pipeline: Pipeline, operations: number): Promise<void> {
  for (let at = 0; at < operations; at++) {
    pipeline.builder.call(`step ${at}`, "umask", [at]);
    pipeline.count(1);
    await pipeline.next();
  }
}

test("operations go in their order, in batches of which only a few are on their way", async () => {
  const session = new FakeSession();
  const pipeline = new Pipeline(session, ["one"], "test");
  await fill(pipeline, 3000);
  await pipeline.finish();
  expect(session.operations.map(({ args }) => args[0])).toEqual(Array.from({ length: 3000 }, (_, at) => at));
  expect(session.programs.length).toBeGreaterThan(10);
  expect(session.most).toBeGreaterThan(1);
  expect(session.most).toBeLessThanOrEqual(6);
});

test("every batch has the same slots", async () => {
  const session = new FakeSession();
  const pipeline = new Pipeline(session, ["one", "two"], "test");
  await fill(pipeline, 1000);
  expect(pipeline.slot(1)).toMatchObject({ index: 1, name: "two" });
  expect(() => pipeline.slot(2)).toThrow("no slot 2");
  await pipeline.finish();
  for (const { slots } of session.programs) expect(slots).toBe(2);
});

test("the first error is the one that is thrown, soon", async () => {
  const session = new FakeSession();
  session.onRun = (_, index) => {
    throw new TypeError(`program ${index}`);
  };
  const pipeline = new Pipeline(session, [], "test");
  expect(await fill(pipeline, 1_000_000).catch(messageOf)).toBe("program 0");
  expect(session.programs.length).toBeLessThan(20);
});

test("less than all of a write is an error", async () => {
  const pipeline = new Pipeline(new FakeSession(), [], "test");
  const result = pipeline.builder.call("write", "pwrite64", [0, 0, 5, 0]);
  pipeline.expect(result, 6, "write x");
  pipeline.count(1);
  expect(await pipeline.finish().catch(messageOf)).toBe("write x: no space left on device");
});

test("room is the same memory for each batch, and there is always enough", async () => {
  const pipeline = new Pipeline(new FakeSession(), [], "test");
  const first = pipeline.room(1000);
  expect(pipeline.room(1000).byteOffset).toBe(1000);
  expect(pipeline.room(10_000_000)).toHaveLength(10_000_000);
  await fill(pipeline, 200);
  expect(pipeline.room(10)).toMatchObject({ buffer: first.buffer, byteOffset: 0 });
  await pipeline.finish();
});
