import { expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Changes } from "./changes.ts";

test("all followers of a log are woken by a change, whoever has left isn't", async () => {
  const folder = mkdtempSync(join(tmpdir(), "caisson-changes-"));
  try {
    const path = join(folder, "log");
    using first = new Changes(path);
    const second = new Changes(path);
    const others = Array.from({ length: 50 }, () => new Changes(path));
    // The first look is free: something may have happened before.
    await Promise.all([first, second, ...others].map((one) => one.next()));
    second[Symbol.dispose]();
    let late = false;
    void second.next().then(() => (late = true));
    const woken = Promise.all([first, ...others].map((one) => one.next()));
    appendFileSync(path, "x");
    await woken;
    expect(late).toBe(false);
    for (const one of others) one[Symbol.dispose]();
    const again = first.next();
    appendFileSync(path, "y");
    await again;
    await first.next(1);
    const told = first.next();
    first.wake();
    await told;
  } finally {
    rmSync(folder, { recursive: true });
  }
});
