import { afterEach, beforeEach, expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { DeferredStream } from "./deferred-stream.ts";
import { exit, FakeServices } from "./fake-services.ts";
import { removeContainer } from "./removal.ts";

let fake: FakeServices;
beforeEach(() => {
  fake = new FakeServices();
});
afterEach(() => fake[Symbol.dispose]());

const problem = (work: Promise<unknown>): Promise<string> => work.then(() => "", messageOf);
const plain = { force: false, volumes: false };

test("the row goes, name and ids are free again", async () => {
  const { container } = fake.container({ status: "exited", exitCode: 3 });
  await removeContainer(fake.services, container, plain);
  expect(fake.services.store.all()).toEqual([]);
  expect(fake.services.database.containers()).toEqual([]);
  expect(fake.services.store.ranges().size).toBe(0);
  expect(fake.actions).toEqual(["destroy"]);
});

test("whoever waits for its removal or its exit hears its exit code; who waits to attach is let go", async () => {
  const { container } = fake.container({ status: "created", exitCode: 3 });
  const heard: number[] = [];
  container.removalWaiters.add(({ StatusCode }) => heard.push(StatusCode));
  container.exitWaiters.add(({ StatusCode }) => heard.push(StatusCode));
  const stream = new DeferredStream();
  container.pending.add({ stream, stdin: false, stdout: true, stderr: true });
  const ended = new Promise<void>((resolve) => stream.resume().once("end", resolve));
  await removeContainer(fake.services, container, plain);
  expect(heard).toEqual([3, 3]);
  await ended;
});

test.each([
  ["running", "container is running: stop the container before removing or force remove"],
  ["paused", "container is paused and must be unpaused first"],
] as const)("a %s one is refused", async (status, advice) => {
  const { container } = fake.container({ status });
  expect(await problem(removeContainer(fake.services, container, plain))).toBe(
    `cannot remove container "web": ${advice}`,
  );
  expect(fake.services.store.byId(container.id)).toBe(container);
});

test("with force it is killed first, and removed once it is gone", async () => {
  const { container, signals } = fake.container({ status: "running" });
  const removed = removeContainer(fake.services, container, { force: true, volumes: false });
  await Bun.sleep(1);
  expect(signals).toEqual([9]);
  expect(fake.services.store.byId(container.id)).toBe(container);
  exit(container);
  await removed;
  expect(fake.actions).toEqual(["kill signal=9", "destroy"]);
  expect(fake.services.store.byId(container.id)).toBeUndefined();
});

test("one that was removed meanwhile is none", async () => {
  const { container } = fake.container({ status: "exited" });
  await removeContainer(fake.services, container, plain);
  expect(await problem(removeContainer(fake.services, container, plain))).toBe(
    `No such container: ${container.id}`,
  );
});

test("what can't be removed is said in the log; the container is gone all the same", async () => {
  const { container } = fake.container({ status: "exited" });
  fake.storage.remove = () => Promise.reject(new TypeError("busy"));
  await removeContainer(fake.services, container, plain);
  while (fake.logged.length === 0) await Bun.sleep(1);
  expect(fake.logged).toEqual([`remove what container ${container.id} left`]);
  expect(fake.services.store.all()).toEqual([]);
});
