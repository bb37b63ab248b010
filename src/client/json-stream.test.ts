import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import fc from "fast-check";
import { jsonTexts, jsonValues } from "./json-stream.ts";

async function collect(text: string, size: number): Promise<unknown[]> {
  const bytes = new TextEncoder().encode(text);
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  return Array.fromAsync(jsonValues<unknown>(source()));
}

test("values are found with or without line ends, however they are cut", () => {
  const values = fc.array(fc.dictionary(fc.string(), fc.jsonValue()));
  const separator = fc.constantFrom("", "\n", "\r\n");
  return fc.assert(
    fc.asyncProperty(values, separator, fc.integer({ min: 1, max: 50 }), async (all, between, size) => {
      const texts = all.map((value) => JSON.stringify(value));
      expect(await collect(texts.map((t) => t + between).join(""), size)).toEqual(
        texts.map((t) => JSON.parse(t)),
      );
    }),
    { numRuns: 50 },
  );
});

test("texts stay as they were written", async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode('{"n":1795495305483202524}\n');
  }
  expect(await Array.fromAsync(jsonTexts(source()))).toEqual(['{"n":1795495305483202524}']);
});

test("an end inside a value is an error", async () => {
  expect(await collect('{"a":1', 3).then(() => "no error", messageOf)).toContain(
    "the engine's stream is not JSON",
  );
});
