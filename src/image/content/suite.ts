/**
 * What every content store has to do, as tests.
 * @module
 */
import { expect, test } from "bun:test";
import { digestOf } from "../digest.ts";
import type { ContentStore, Descriptor } from "./store.ts";
import { joined, rejection } from "../testing.ts";

const text = Buffer.from("the content of a blob");
const digest = digestOf(text);
const absent = digestOf("nothing of the kind");

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return (await joined(chunks)).toString();
}

/** Declares the tests; `open` gives an empty store each time. */
export function contentStoreSuite(name: string, open: () => Promise<ContentStore>): void {
  test(`${name}: a blob is there once it is committed`, async () => {
    const store = await open();
    const writer = await store.writer(digest, text.length);
    expect(writer.offset).toBe(0);
    await writer.write(text.subarray(0, 5));
    await writer.write(text.subarray(5));
    expect([await store.has(digest), await store.stat(digest)]).toEqual([false, undefined]);
    await writer.commit();
    expect([await store.has(digest), await store.stat(digest)]).toEqual([
      true,
      { digest, size: text.length },
    ]);
    expect(await textOf(store.reader(digest))).toBe(text.toString());
    expect(await textOf(store.reader(digest, { offset: 4, length: 7 }))).toBe("content");
    expect(await textOf(store.reader(digest, { offset: 17 }))).toBe("blob");
    expect(await textOf(store.reader(digest, { offset: 400 }))).toBe("");
    expect(Buffer.from(await store.bytes(digest, text.length)).equals(text)).toBe(true);
    expect(await rejection(store.bytes(digest, text.length - 1))).toMatchObject({ code: "bad-archive" });
    expect(await Array.fromAsync(store.list())).toEqual([{ digest, size: text.length }]);
    expect([await store.delete(digest), await store.delete(digest), await store.has(digest)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test(`${name}: what isn't there is not found`, async () => {
    const store = await open();
    expect(await rejection(joined(store.reader(absent)))).toMatchObject({ code: "not-found" });
    expect(await rejection(store.bytes(absent, 10))).toMatchObject({ code: "not-found" });
    expect(await store.delete(absent)).toBe(false);
  });

  test(`${name}: content that isn't what was announced is refused and leaves nothing`, async () => {
    const store = await open();
    const wrong = await store.writer(digest, text.length);
    await wrong.write(Buffer.from(text.toString().toUpperCase()));
    expect(await rejection(wrong.commit())).toMatchObject({ code: "digest-mismatch" });
    const short = await store.writer(digest, text.length);
    expect(short.offset).toBe(0);
    await short.write(text.subarray(1));
    expect(await rejection(short.commit())).toMatchObject({ code: "digest-mismatch" });
    const long = await store.writer(digest, text.length);
    await long.write(text);
    expect(await rejection(long.write(text))).toMatchObject({ code: "digest-mismatch" });
    await long.abort(false);
    expect([await store.has(digest), await store.sweep(-1000)]).toEqual([false, 0]);
  });

  test(`${name}: a writer continues where the last one stopped`, async () => {
    const store = await open();
    const first = await store.writer(digest, text.length);
    await first.write(text.subarray(0, 8));
    await first.abort(true);
    const second = await store.writer(digest, text.length);
    expect(second.offset).toBe(8);
    // Meanwhile another has to start from nothing.
    const third = await store.writer(digest, text.length);
    expect(third.offset).toBe(0);
    await third.write(text);
    await second.write(text.subarray(8));
    await Promise.all([second.commit(), third.commit()]);
    expect(await textOf(store.reader(digest))).toBe(text.toString());
    expect(await store.sweep(-1000)).toBe(0);
  });

  test(`${name}: what was left is swept`, async () => {
    const store = await open();
    const writer = await store.writer(digest, text.length);
    await writer.write(text.subarray(0, 8));
    await writer.abort(true);
    expect(await store.sweep(-1000)).toBe(1);
    const next = await store.writer(digest, text.length);
    expect(next.offset).toBe(0);
    await next.abort(false);
  });

  test(`${name}: a staged blob is read before it is published, or not at all`, async () => {
    const store = await open();
    const stage = await store.stage();
    for (const byte of text) await stage.write(Uint8Array.of(byte));
    const staged = await stage.seal();
    expect([staged.digest, staged.size, await textOf(staged.reader())]).toEqual([
      digest,
      text.length,
      text.toString(),
    ]);
    expect(await store.has(digest)).toBe(false);
    await staged.publish();
    expect(await store.has(digest)).toBe(true);
    expect(await store.put(text)).toEqual({ digest, size: text.length });
    const other = await store.stage();
    await other.write(Buffer.from("x"));
    await (await other.seal()).discard();
    await (await store.stage()).discard();
    expect((await Array.fromAsync(store.list())).length).toBe(1);
  });

  test(`${name}: what isn't a digest is never looked up`, async () => {
    const store = await open();
    const wanted = { code: "invalid-parameter" };
    for (const bad of [
      "",
      "sha256:../../../etc/passwd",
      `sha256:${"A".repeat(64)}`,
      `../${digest}`,
      `${digest}/`,
    ]) {
      expect(await rejection(store.has(bad))).toMatchObject(wanted);
      expect(await rejection(store.stat(bad))).toMatchObject(wanted);
      expect(await rejection(joined(store.reader(bad)))).toMatchObject(wanted);
      expect(await rejection(store.bytes(bad, 1))).toMatchObject(wanted);
      expect(await rejection(store.writer(bad, 1))).toMatchObject(wanted);
      expect(await rejection(store.delete(bad))).toMatchObject(wanted);
    }
    expect(await rejection(store.writer(digest, -1))).toMatchObject({ code: "invalid-parameter" });
  });

  test(`${name}: changes of the index are made one after another, or not at all`, async () => {
    const store = await open();
    expect(await store.index()).toEqual([]);
    const entry = (n: number): Descriptor => ({
      mediaType: "x",
      digest: digestOf(`${n}`),
      size: n,
      annotations: { n: `${n}` },
    });
    const add = async (n: number): Promise<void> =>
      await store.updateIndex((entries) => [...entries, entry(n)]);
    const failing = store.updateIndex(() => {
      throw new RangeError("not now");
    });
    const added = Promise.all([1, 2, 3, 4, 5].map(add));
    expect(await rejection(failing)).toBeInstanceOf(RangeError);
    await added;
    expect(await store.index()).toEqual([1, 2, 3, 4, 5].map(entry));
  });
}
