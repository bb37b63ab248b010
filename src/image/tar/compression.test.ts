import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decompress, detectCompression, limitBytes, type Compression } from "./compression.ts";
import { inChunks, rejection } from "../testing.ts";

const text = Buffer.from("some content that repeats ".repeat(20_000));

async function plain(bytes: Uint8Array, size = 1000, limit?: number): Promise<[Compression, Buffer]> {
  const { compression, stream } = await decompress(inChunks(bytes, size), { what: "layer x", limit });
  return [compression, Buffer.concat(await Array.fromAsync(stream))];
}

function program(name: string, bytes: Uint8Array): Buffer {
  return spawnSync(name, ["-c"], { input: bytes, maxBuffer: 1 << 26 }).stdout;
}

/** A skippable frame of zstd in front, as zstd:chunked has them. */
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]);

test.each<[string, Compression, Uint8Array]>([
  ["nothing", "none", text],
  ["gzip", "gzip", gzipSync(text)],
  ["gzip of two members", "gzip", Buffer.concat([gzipSync(text.subarray(0, 7)), gzipSync(text.subarray(7))])],
  ["zstd", "zstd", zstdCompressSync(text)],
  [
    "zstd of two frames",
    "zstd",
    Buffer.concat([skippable, zstdCompressSync(text.subarray(0, 7)), zstdCompressSync(text.subarray(7))]),
  ],
  ["bzip2", "bzip2", program("bzip2", text)],
  ["xz", "xz", program("xz", text)],
])("%s", async (_, compression, bytes) => {
  expect(detectCompression(bytes)).toBe(compression);
  for (const size of [1, 100_000]) {
    if (size === 1 && bytes.length > 20_000) continue;
    const [found, content] = await plain(bytes, size);
    expect(found).toBe(compression);
    expect(content.equals(text)).toBe(true);
  }
});

test("an empty and a very short stream are uncompressed", async () => {
  expect(await plain(Buffer.from(""))).toEqual(["none", Buffer.from("")]);
  expect(await plain(Buffer.from("\x1f\x8b"))).toEqual(["none", Buffer.from("\x1f\x8b")]);
});

test.each(["gzip", "zstd", "bzip2", "xz"] as const)(
  "damaged and truncated %s is refused",
  async (compression) => {
    const bytes = {
      gzip: gzipSync(text),
      zstd: zstdCompressSync(text),
      bzip2: program("bzip2", text),
      xz: program("xz", text),
    }[compression];
    const damaged = Uint8Array.from(bytes);
    damaged.fill(0x55, 20, 60);
    for (const bad of [damaged, bytes.subarray(0, bytes.length - 9)])
      expect(await rejection(plain(bad))).toMatchObject({
        code: "bad-archive",
        message: expect.stringContaining("layer x: "),
      });
  },
);

test.each(["gzip", "zstd", "bzip2"] as const)(
  "an error of the source of %s is thrown as it is",
  async (compression) => {
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    const bytes = { gzip: gzipSync(noise), zstd: zstdCompressSync(noise), bzip2: program("bzip2", noise) }[
      compression
    ];
    const broken = new RangeError("the network is gone");
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 30_000);
      throw broken;
    }
    const { stream } = await decompress(source(), { what: "x" });
    expect(await rejection(Array.fromAsync(stream))).toBe(broken);
  },
);

test.each(["gzip", "xz", "none"] as const)(
  "stopping early releases the source of %s",
  async (compression) => {
    const noise = crypto.getRandomValues(new Uint8Array(400_000));
    const bytes = { gzip: gzipSync(noise), xz: program("xz", noise), none: noise }[compression];
    const released = Promise.withResolvers<void>();
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* inChunks(bytes, 1000);
      } finally {
        released.resolve();
      }
    }
    const { stream } = await decompress(source(), { what: "x" });
    for await (const _ of stream) break;
    await released.promise;
  },
);

test("a bomb is stopped at its limit", async () => {
  const bomb = gzipSync(new Uint8Array(20_000_000));
  expect(bomb.length).toBeLessThan(20_000);
  expect(await rejection(plain(bomb, 1000, 1_000_000))).toMatchObject({
    code: "bad-archive",
    message: "layer x: it holds more than 1000000 bytes",
  });
  expect((await Array.fromAsync(limitBytes(inChunks(text, 1000), text.length, "x"))).length).toBeGreaterThan(
    1,
  );
});
