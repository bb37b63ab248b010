import { expect, test } from "bun:test";
import { MemoryStore } from "../image/content/memory.ts";
import { digestOf } from "../image/mod.ts";
import { rejection } from "../image/registry/fake-registry.ts";
import { SharedDownloads } from "./images-downloads.ts";

const bytes = Buffer.from("a blob");
const digest = digestOf(bytes);
const never = new AbortController().signal;

test("who comes second waits and has nothing to do", async () => {
  const content = new MemoryStore();
  const downloads = new SharedDownloads(content);
  const first = await downloads.sink(never).writer(digest, bytes.length);
  let waiting = true;
  const second = downloads
    .sink(never)
    .writer(digest, bytes.length)
    .finally(() => (waiting = false));
  await first.write(bytes);
  expect(waiting).toBe(true);
  await first.commit();
  const writer = await second;
  expect(writer.offset).toBe(bytes.length);
  await writer.commit();
  expect(await content.has(digest)).toBe(true);
});

test("who comes second goes on where the first gave up", async () => {
  const downloads = new SharedDownloads(new MemoryStore());
  const first = await downloads.sink(never).writer(digest, bytes.length);
  const second = downloads.sink(never).writer(digest, bytes.length);
  await first.write(bytes.subarray(0, 2));
  await first.abort(true);
  const writer = await second;
  expect(writer.offset).toBe(2);
  await writer.write(bytes.subarray(2));
  await writer.commit();
});

test("nobody waits longer than the signal lets them", async () => {
  const downloads = new SharedDownloads(new MemoryStore());
  await downloads.sink(never).writer(digest, bytes.length);
  const stop = new AbortController();
  const second = rejection(downloads.sink(stop.signal).writer(digest, bytes.length));
  stop.abort(new RangeError("gone"));
  expect(await second).toBe("gone");
});
