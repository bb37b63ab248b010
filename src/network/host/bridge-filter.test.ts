import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bridgesAreUnfiltered } from "./bridge-filter.ts";

test("bridges are filtered where the switch is there and on", () => {
  const folder = mkdtempSync(join(tmpdir(), "caisson-test."));
  try {
    const file = join(folder, "switch");
    expect(bridgesAreUnfiltered(file)).toBe(true);
    writeFileSync(file, "1\n");
    expect(bridgesAreUnfiltered(file)).toBe(false);
    writeFileSync(file, "0\n");
    expect(bridgesAreUnfiltered(file)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
