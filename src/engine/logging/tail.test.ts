import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { closeFiles, openLogFiles, type LogFile } from "./files.ts";
import { findTail, type TailStart } from "./tail.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-tail-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
async function tails(content: Buffer, lines: number): Promise<[plain: TailStart, compressed: TailStart]> {
  const path = join(folder, `log${made++}`);
  writeFileSync(path, content);
  writeFileSync(`${path}.1.gz`, gzipSync(content));
  const files = await openLogFiles(path);
  const [compressed, plain] = files as [LogFile, LogFile];
  try {
    return [await findTail(plain, lines), await findTail(compressed, lines)];
  } finally {
    await closeFiles(files);
  }
}

test("the last lines, plain and compressed; what isn't a whole line is behind them", async () => {
  const content = Buffer.from("a\nbb\nccc\nrest");
  for (const [lines, expected] of [
    [0, { offset: 9, missing: 0 }],
    [1, { offset: 5, missing: 0 }],
    [2, { offset: 2, missing: 0 }],
    [3, { offset: 0, missing: 0 }],
    [5, { offset: 0, missing: 2 }],
  ] as const)
    expect(await tails(content, lines)).toEqual([expected, expected]);
});

test("over several blocks, and files without a line", async () => {
  const content = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join(""));
  const offset = content.indexOf("line 5\n");
  const expected = { offset, missing: 0 };
  expect(await tails(content, 40_000 - 5)).toEqual([expected, expected]);
  const none = { offset: 0, missing: 3 };
  expect(await tails(Buffer.alloc(0), 3)).toEqual([none, none]);
  expect(await tails(Buffer.alloc(200_000, "x"), 3)).toEqual([none, none]);
});

test("agrees with a split", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\n"), maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(text, fc.nat({ max: 20 }), async (content, lines) => {
      const whole = content.split("\n").slice(0, -1);
      const kept = Math.min(lines, whole.length);
      const offset = whole.slice(0, whole.length - kept).join("\n").length;
      const expected = {
        offset: whole.length === kept ? 0 : offset + 1,
        missing: lines - kept,
      };
      expect(await tails(Buffer.from(content), lines)).toEqual([expected, expected]);
    }),
    { numRuns: 40 },
  );
});
