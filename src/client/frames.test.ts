import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import fc from "fast-check";
import { demultiplex } from "./frames.ts";

function frame(stream: number, text: string): Uint8Array {
  const body = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + body.length);
  bytes[0] = stream;
  new DataView(bytes.buffer).setUint32(4, body.length);
  bytes.set(body, 8);
  return bytes;
}

async function split(pieces: Iterable<Uint8Array>): Promise<readonly [string, string]> {
  const texts = ["", "", ""];
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  await demultiplex(source(), (stream, bytes) => {
    texts[stream] += new TextDecoder().decode(bytes);
  });
  return [texts[1] ?? "", texts[2] ?? ""];
}

test("streams come apart however the bytes are cut", () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.stringMatching(/^[a-z]{0,20}$/)));
  return fc.assert(
    fc.asyncProperty(frames, fc.integer({ min: 1, max: 30 }), async (all, size) => {
      const bytes = Buffer.concat(all.map(([stream, text]) => frame(stream, text)));
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const of = (stream: number): string =>
        all
          .filter(([s]) => s === stream)
          .map(([, text]) => text)
          .join("");
      expect(await split(pieces)).toEqual([of(1), of(2)]);
    }),
  );
});

test("the next piece is read once the last one was taken", async () => {
  const order: string[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const text of ["a", "b"]) {
      order.push(`read ${text}`);
      yield frame(1, text);
    }
  }
  await demultiplex(source(), async (_, bytes) => {
    await Promise.resolve();
    order.push(`took ${new TextDecoder().decode(bytes)}`);
  });
  expect(order).toEqual(["read a", "took a", "read b", "took b"]);
});

test("an error of the engine in the stream is an error", async () => {
  expect(await split([frame(3, "gone")]).then(() => "no error", messageOf)).toContain(
    "error from daemon in stream: gone",
  );
  expect(await split([frame(9, "x")]).then(() => "no error", messageOf)).toContain("unrecognized stream: 9");
});
