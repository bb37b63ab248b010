import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { protectFromOom } from "./oom-score.ts";

test.each([
  ["0\n", "-500"],
  ["200\n", "-500"],
  ["-900\n", "-900\n"],
])("%j becomes %j", (before, after) => {
  const folder = mkdtempSync(join(tmpdir(), "caisson-oom-"));
  try {
    const path = join(folder, "oom_score_adj");
    writeFileSync(path, before);
    protectFromOom({ debug: () => undefined }, path);
    expect(readFileSync(path, "utf8")).toBe(after);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("who isn't allowed goes on, and says so to who wants to know", () => {
  const told: string[] = [];
  protectFromOom({ debug: (text) => void told.push(text) }, "/nonexistent/oom_score_adj");
  expect(told).toHaveLength(1);
});
