/**
 * Compression while the shim rotates: both change the same names, many times a second here.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Executors } from "../../src/kernel/mod.ts";
import { Executor } from "../../src/kernel/mod.ts";
import { LogCompressor } from "../../src/engine/logging/compress.ts";
import { readLogs } from "../../src/engine/logging/reader.ts";
import { binary } from "../native/programs.ts";
import { shell, shimIn } from "../native/shims.ts";

let scratch: string;
let executor: Executor;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "caisson-compress-test-"));
  executor = Executor.start(binary);
});
afterAll(() => {
  executor.close();
  rmSync(scratch, { recursive: true });
});

test("no line is lost, none comes twice, whoever follows sees each once", async () => {
  const directory = mkdtempSync(join(scratch, "log-"));
  const path = join(directory, "x-json.log");
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  const executors = { warm: () => executor } as unknown as Executors;
  const compressor = new LogCompressor(executors, { debug: tell, info: tell, warn: tell, error: tell });
  const files = 300;
  const script = `for i in $(seq 1 200); do seq $((i*100-99)) $((i*100)); sleep 0.01; done`;
  const log = { path, limit: 8000, files };
  const started = await executor.shim(shimIn(scratch, shell(script), { log }));
  const ended = started.exited.then(() => undefined);
  const all = { stdout: true, stderr: true, timestamps: false, details: false, tty: true };
  const followed = new Response(readLogs(path, { ...all, follow: true }, { ended }) as never).text();
  let over = false;
  void ended.then(() => (over = true));
  while (!over) await compressor.see({ path, limit: 8000, files, compress: true, sentOnly: false });
  await compressor.see({ path, limit: 8000, files, compress: true, sentOnly: false });

  const names = readdirSync(directory).filter((name) => name.startsWith("x-json.log"));
  const older = names.filter((name) => name !== "x-json.log");
  expect(older.length).toBeGreaterThan(100);
  expect(older.filter((name) => !name.endsWith(".gz"))).toEqual([]);
  const expected = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join("");
  const read = await new Response(readLogs(path, { ...all, follow: false }, undefined) as never).text();
  expect(read === expected).toBe(true);
  expect((await followed) === expected).toBe(true);
  expect(told.filter((text) => text.includes("compress the log"))).toEqual([]);
}, 60_000);
