import { expect, test } from "bun:test";
import { constants, zstdCompressSync } from "node:zlib";
import { ZstdFrames } from "./zstd-frames.ts";

const noise = crypto.getRandomValues(new Uint8Array(300_000));
const plain = zstdCompressSync(noise);
const checked = zstdCompressSync(Buffer.from("x".repeat(300_000)), {
  params: { [constants.ZSTD_c_checksumFlag]: 1 },
});
const skippable = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

function completeAt(bytes: Uint8Array, chunk: number): number[] {
  const frames = new ZstdFrames();
  const ends: number[] = [];
  for (let at = 0; at < bytes.length; at += chunk) {
    frames.update(bytes.subarray(at, at + chunk));
    if (frames.complete) ends.push(Math.min(at + chunk, bytes.length));
  }
  return ends;
}

test("a stream may end between two frames only", () => {
  const stream = Buffer.concat([skippable, checked, plain, skippable]);
  const ends = [
    skippable.length,
    skippable.length + checked.length,
    stream.length - skippable.length,
    stream.length,
  ];
  expect(completeAt(stream, 1)).toEqual(ends);
  for (const chunk of [997, 1 << 20]) expect(completeAt(stream, chunk)).toEqual([stream.length]);
});

test("what isn't zstd is left to the decoder", () => {
  expect(completeAt(Buffer.from("not zstd"), 100)).toEqual([8]);
});
