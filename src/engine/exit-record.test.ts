import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readExitRecord } from "./exit-record.ts";

test("a shim's record is read; without one there is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "caisson-exit-"));
  expect(readExitRecord(folder)).toBeUndefined();
  writeFileSync(
    join(folder, "exit"),
    '{"pid":7,"code":137,"signal":9,"started":"1700000000000000001","finished":"1700000000000000002"}\n',
  );
  expect(readExitRecord(folder)).toEqual({
    pid: 7,
    code: 137,
    signal: 9,
    started: 1_700_000_000_000_000_001n,
    finished: 1_700_000_000_000_000_002n,
  });
  rmSync(folder, { recursive: true });
});
