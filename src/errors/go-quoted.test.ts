import { expect, test } from "bun:test";
import { goQuoted } from "./go-quoted.ts";

test("texts are quoted as strconv.Quote does it", () => {
  const texts: [string, string][] = [
    ["", '""'],
    ["a b", '"a b"'],
    ['a"b\\', '"a\\"b\\\\"'],
    ["\u001b[31mz\u007f", '"\\x1b[31mz\\x7f"'],
    ["\n\t\u0007\u0000", '"\\n\\t\\a\\x00"'],
    ["é日", '"é日"'],
    ["z\u202ez\u00a0", '"z\\u202ez\\u00a0"'],
    ["\u{e0001}", '"\\U000e0001"'],
  ];
  for (const [text, quoted] of texts) expect(goQuoted(text)).toBe(quoted);
});
