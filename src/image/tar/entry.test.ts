import { expect, test } from "bun:test";
import { padding } from "./entry.ts";

test("bodies are padded to whole blocks of 512 bytes", () => {
  expect([0, 1, 511, 512, 513, 2 ** 40 + 1].map(padding)).toEqual([0, 511, 1, 0, 511, 511]);
});
