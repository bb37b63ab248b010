import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refuseDockersData } from "./data-root.ts";

test("Docker's folder is refused, an empty one and an own one are not", () => {
  const folder = mkdtempSync(join(tmpdir(), "data-root-"));
  try {
    refuseDockersData(join(folder, "missing"));
    for (const name of ["containers", "overlay2", "images", "volumes"]) mkdirSync(join(folder, name));
    refuseDockersData(folder);
    mkdirSync(join(folder, "image"));
    expect(() => refuseDockersData(folder)).toThrow(`the data root ${folder} is Docker's (it has image)`);
    writeFileSync(join(folder, "caisson.db"), "");
    refuseDockersData(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
