import { expect, test } from "bun:test";
import fc from "fast-check";
import { messageOf } from "../../errors/mod.ts";
import { ByteSource } from "./bytes.ts";

async function* stream(...chunks: readonly string[]): AsyncGenerator<Uint8Array, void, void> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString();

test("pieces of the sizes that are wanted, over the chunks' borders", async () => {
  const source = new ByteSource(stream("abc", "", "defg", "h"), "it");
  expect(text(await source.read(2))).toBe("ab");
  expect(text(await source.read(4))).toBe("cdef");
  expect(source.position).toBe(6);
  expect(text(await source.some(10))).toBe("g");
  expect(text(await source.some(10))).toBe("h");
  expect(await source.read(1)).toBeUndefined();
  expect(await source.read(0)).toHaveLength(0);
  expect(source.position).toBe(8);
});

test("a stream that ends inside of a piece is told of with the place", async () => {
  const source = new ByteSource(stream("abc"), "the archive");
  await source.read(1);
  expect(await source.read(5).then(() => "", messageOf)).toContain("unexpected EOF at byte 3");
  const other = new ByteSource(stream("abc"), "the archive");
  expect(await other.skip(4).then(() => "", messageOf)).toContain("unexpected EOF at byte 3");
  expect(await new ByteSource(stream(), "x").some(1).then(() => "", messageOf)).toContain(
    "unexpected EOF at byte 0",
  );
});

test("the rest is passed over, or the stream is told that nobody wants it", async () => {
  let ended = 0;
  async function* watched(): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* stream("abc", "def");
    } finally {
      ended++;
    }
  }
  const drained = new ByteSource(watched(), "x");
  await drained.read(1);
  await drained.drain();
  expect([drained.position, ended]).toEqual([6, 1]);
  {
    await using source = new ByteSource(watched(), "x");
    await source.read(1);
  }
  expect(ended).toBe(2);
});

test("however a stream is cut and read, it is the same bytes", async () => {
  const sizes = fc.array(fc.nat({ max: 9 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, sizes, async (cuts, wanted) => {
      const bytes = Buffer.from(Array.from({ length: cuts.reduce((a, b) => a + b, 0) }, (_, i) => i));
      async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
        let at = 0;
        for (const size of cuts) yield bytes.subarray(at, (at += size));
      }
      const source = new ByteSource(chunks(), "x");
      let at = 0;
      for (const size of wanted) {
        if (at + size > bytes.length) break;
        expect([...((await source.read(size)) ?? [])]).toEqual([...bytes.subarray(at, at + size)]);
        at += size;
      }
      await source.skip(bytes.length - at);
      expect(source.position).toBe(bytes.length);
    }),
  );
});
