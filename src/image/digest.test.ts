import { expect, test } from "bun:test";
import { chainIds, digestOf, parseDigest } from "./digest.ts";

const hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("a digest is taken apart only if it is exactly one", () => {
  expect(parseDigest(digestOf(""))).toEqual({ algorithm: "sha256", hex });
  expect(parseDigest(`sha512:${hex}${hex}`).algorithm).toBe("sha512");
  for (const bad of [
    "",
    hex,
    `sha256:${hex}0`,
    `sha256:${hex.toUpperCase()}`,
    "sha256:../../x",
    `sha256:${hex}\n`,
    `md5:${hex}`,
    `sha512:${hex}`,
  ])
    expect(() => parseDigest(bad)).toThrow("invalid digest");
});

test("chain IDs as the specification computes them", () => {
  const [a, b, c] = ["a", "b", "c"].map((text) => digestOf(text)) as [string, string, string];
  expect(chainIds([])).toEqual([]);
  expect(chainIds([a, b, c])).toEqual([a, digestOf(`${a} ${b}`), digestOf(`${digestOf(`${a} ${b}`)} ${c}`)]);
});
