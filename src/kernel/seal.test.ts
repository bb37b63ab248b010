import { expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { Executor } from "./executor.ts";
import { installNativeBinary } from "./native-binary.ts";
import { ProgramBuilder } from "./program.ts";

test("an executor runs from a sealed file in memory, under the name that it was started with", async () => {
  const directory = mkdtempSync(`${tmpdir()}/caisson-seal-`);
  const path = installNativeBinary(directory);
  const executor = Executor.start(path);
  const b = new ProgramBuilder();
  b.call("ask", "getpid", []);
  await executor.run(b.build());
  expect(readlinkSync(`/proc/${executor.pid}/exe`)).toBe("/memfd:caisson (deleted)");
  expect(readFileSync(`/proc/${executor.pid}/cmdline`, "utf8")).toBe(`${path}\0execute\0`);
  executor.close();
  rmSync(directory, { recursive: true });
});
