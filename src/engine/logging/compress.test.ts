import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { printProgram, type Executors, type Program } from "../../kernel/mod.ts";
import { LogCompressor } from "./compress.ts";
import type { LogFilesPlan } from "./plan.ts";

let folder: string;
let path: string;
const programs: string[] = [];
const logged: string[] = [];
/** What the executor does with a program that names `NAME.gz`. */
let swap: (name: string) => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-compress-"));
  path = join(folder, "log");
  programs.length = logged.length = 0;
  swap = (name) => {
    renameSync(`${path}.compressing`, `${name}.gz`);
    unlinkSync(name);
  };
});
afterEach(() => rmSync(folder, { recursive: true }));

const tell = (message: string): void => void logged.push(message);
const log = { debug: tell, info: tell, warn: tell, error: tell };
const fork = async (program: Program): Promise<void> => {
  const text = printProgram(program);
  programs.push(text);
  swap(/name it (\S+)\.gz/.exec(text)?.[1] ?? "");
};
const compressor = (): LogCompressor =>
  new LogCompressor({ warm: () => ({ fork }) } as unknown as Executors, log);
const plan = (more: Partial<LogFilesPlan> = {}): LogFilesPlan => ({
  path,
  limit: 1000,
  files: 5,
  compress: true,
  sentOnly: false,
  ...more,
});

function write(...names: readonly string[]): void {
  for (const name of names) writeFileSync(join(folder, name), `content of ${name}`);
}

test("all files but the one that is written, the oldest first", async () => {
  write("log", "log.1", "log.2");
  await compressor().see(plan());
  expect(readdirSync(folder).toSorted()).toEqual(["log", "log.1.gz", "log.2.gz"]);
  expect(gunzipSync(readFileSync(`${path}.2.gz`)).toString()).toBe("content of log.2");
  expect(programs.map((text) => /name it \S+/.exec(text)?.[0])).toEqual([
    `name it ${path}.2.gz`,
    `name it ${path}.1.gz`,
  ]);
  // The names are changed under the shim's own lock, and after a look that they are still what they were.
  for (const call of ["flock", "statx", "utimensat", "renameat2", "unlinkat"])
    expect(programs[0]).toContain(call);
});

test("of a log for a server only what was sent", async () => {
  write("log", "log.1", "log.2");
  chmodSync(`${path}.2`, 0o1640);
  await compressor().see(plan({ sentOnly: true }));
  expect(readdirSync(folder).toSorted()).toEqual(["log", "log.1", "log.2.gz"]);
});

test("nothing without the option, without older files, and after the end", async () => {
  write("log");
  await compressor().see(plan());
  write("log.1");
  await compressor().see(plan({ compress: false }));
  const closed = compressor();
  closed.close();
  await closed.see(plan());
  expect(programs).toEqual([]);
});

test("a file that is renamed meanwhile is found again; one that is rotated away leaves nothing", async () => {
  write("log", "log.1");
  let tries = 0;
  const usual = swap;
  swap = (name) => {
    tries++;
    if (tries === 1) {
      renameSync(`${path}.1`, `${path}.2`);
      renameSync(path, `${path}.1`);
      write("log");
      throw new RangeError("ESTALE");
    }
    usual(name);
  };
  await compressor().see(plan());
  expect(gunzipSync(readFileSync(`${path}.2.gz`)).toString()).toBe("content of log.1");
  swap = () => {
    unlinkSync(`${path}.1`);
    throw new RangeError("ESTALE");
  };
  await compressor().see(plan());
  expect(existsSync(`${path}.compressing`)).toBe(false);
});
