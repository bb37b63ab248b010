import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { FakeServices } from "./fake-services.ts";
import { sweep } from "./sweep.ts";

let fake: FakeServices;
beforeEach(() => {
  fake = new FakeServices();
});
afterEach(() => fake[Symbol.dispose]());

const orphan = (letter: string): string => letter.repeat(64);

test("what no row names is removed, wherever something of it is left", async () => {
  const { paths } = fake.services;
  mkdirSync(`${paths.bundle(orphan("a"))}/exec`, { recursive: true });
  mkdirSync(paths.container(orphan("b")));
  writeFileSync(paths.log(orphan("b")), "log");
  fake.storage.left.push(orphan("c"));
  mkdirSync(`${fake.root}/cgroup/docker/${orphan("c")}/inner`, { recursive: true });
  mkdirSync(`${fake.root}/cgroup/given/parent/${orphan("a")}/inner`, { recursive: true });
  await sweep(fake.services);
  expect(existsSync(paths.bundle(orphan("a")))).toBe(false);
  expect(existsSync(paths.container(orphan("b")))).toBe(false);
  expect(existsSync(`${fake.root}/cgroup/docker/${orphan("c")}`)).toBe(false);
  expect(existsSync(`${fake.root}/cgroup/given/parent/${orphan("a")}`)).toBe(false);
  expect(existsSync(`${fake.root}/cgroup/given/parent`)).toBe(true);
  expect(fake.storage.removed.toSorted()).toEqual(["a", "b", "c"].map(orphan));
  expect(fake.logged).toHaveLength(3);
});

test("what a row names stays, and so does what is no container", async () => {
  const { paths } = fake.services;
  const { container } = fake.container({ status: "exited" });
  for (const id of [container.id, "lost+found"]) {
    mkdirSync(paths.bundle(id));
    mkdirSync(paths.container(id));
  }
  fake.storage.left.push(container.id);
  await sweep(fake.services);
  for (const id of [container.id, "lost+found"]) {
    expect(existsSync(paths.bundle(id))).toBe(true);
    expect(existsSync(paths.container(id))).toBe(true);
  }
  expect(fake.storage.removed).toEqual([]);
});

test("one that can't be removed doesn't hold up the others", async () => {
  fake.storage.left.push(orphan("a"), orphan("b"));
  fake.storage.remove = async (id = ""): Promise<void> => {
    if (id === orphan("a")) throw new TypeError("busy");
    fake.storage.removed.push(id);
  };
  await sweep(fake.services);
  expect(fake.storage.removed).toEqual([orphan("b")]);
  expect(fake.logged).toEqual([
    `remove what was left of container ${orphan("a")}: busy`,
    `removed what was left of container ${orphan("b")}`,
  ]);
});
