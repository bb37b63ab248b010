/**
 * `make test`: every test, and as the last line `N passed, N failed, N skipped`. Unit tests run in one process; each
 * file of test/ in one of its own, so that a crash costs one file and is counted as a failure. A file that fails is run
 * once more at the end: what passes then is named `flaky`, which is a defect of the test and to be mended as one.
 *
 * `bun tools/run-tests.ts [FOLDER|FILE…]` runs these integration tests alone.
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patience } from "../test/support/patience.ts";
import {
  closingLine,
  emptyReport,
  readReport,
  sum,
  summary,
  withExit,
  type TestReport,
} from "./test-report.ts";

const root = join(import.meta.dir, "..");
/** For one test, in ms: an engine may have to start on a busy machine. */
const testTimeout = 120_000 * patience;
/** For one file, in ms: whatever hangs longer is killed. */
const fileTimeout = 600_000 * patience;

const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);

const work = mkdtempSync(join(tmpdir(), "caisson-tests."));

/** A run of one process: what came of it, and what it printed. */
interface Run {
  readonly report: TestReport;
  readonly output: string;
}

async function run(targets: readonly string[], timeout: number): Promise<Run> {
  const outfile = join(work, "junit.xml");
  rmSync(outfile, { force: true });
  const child = spawn(
    process.execPath,
    [
      "test",
      "--only-failures",
      `--timeout=${timeout}`,
      "--reporter=junit",
      `--reporter-outfile=${outfile}`,
      ...targets,
    ],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"], env: process.env },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      process.stdout.write(chunk);
    });
  }
  const deadline = setTimeout(() => {
    console.error(`${targets.join(" ")}: not done after ${fileTimeout / 1000} s, killed`);
    child.kill("SIGKILL");
  }, fileTimeout);
  // What a killed test left running may hold the pipes: the process's end is what counts.
  const status = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  clearTimeout(deadline);
  const report = existsSync(outfile) ? readReport(readFileSync(outfile, "utf8")) : emptyReport;
  return { report: withExit(report, targets.join(" "), status === 0), output };
}

function filesIn(folder: string): readonly string[] {
  if (folder.endsWith(".test.ts")) return [`./${folder}`];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `./${folder}/${file}`)
    .sort();
}

/** Runs a file of test/ and says what came of it. */
async function runFile(file: string): Promise<Run> {
  const start = performance.now();
  const done = await run([file], testTimeout);
  console.log(`${file}: ${closingLine(done.report)}, ${seconds(start)} s`);
  return done;
}

/**
 * Runs the files that failed once more, when nothing else of the run is going on, and tells the tests that fail only
 * sometimes from those that fail: both are printed, only the latter fail the run.
 */
async function secondRun(first: ReadonlyMap<string, Run>): Promise<ReadonlyMap<string, Run>> {
  const second = new Map<string, Run>();
  for (const [file, { report }] of first) {
    if (report.failed.length === 0) continue;
    console.log(`${file}: once more`);
    second.set(file, await runFile(file));
  }
  for (const [file, { report, output }] of second) {
    const before = first.get(file)!;
    for (const name of before.report.failed.filter((name) => !report.failed.includes(name))) {
      console.log(`flaky: ${name}`);
    }
    console.log(
      `== what ${file} printed\n${(report.failed.length > 0 ? output : before.output).slice(-4000)}`,
    );
  }
  return second;
}

async function main(folders: readonly string[]): Promise<number> {
  const reports: TestReport[] = [];
  const unit = folders.length === 0;
  if (unit) {
    const start = performance.now();
    reports.push((await run(["./src", "./tools", "./bench"], 5000)).report);
    console.log(`unit tests: ${seconds(start)} s`);
  }
  const all = (unit ? ["test"] : folders).flatMap(filesIn);
  const files = unit ? all.filter((file) => !file.startsWith("./test/conformance/")) : all;
  if (files.length > 0 && process.getuid?.() !== 0) {
    console.error("the tests in test/ need root; `bun test src` runs those that don't");
    reports.push(withExit(emptyReport, "test/", false));
  } else {
    const runs = new Map<string, Run>();
    for (const file of files) runs.set(file, await runFile(file));
    for (const [file, done] of await secondRun(runs)) runs.set(file, done);
    reports.push(...[...runs.values()].map(({ report }) => report));
  }
  const total = sum(reports);
  if (total.passed + total.failed.length === 0) console.error("no test ran");
  console.log(summary(total));
  return total.failed.length > 0 || total.passed === 0 ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  rmSync(work, { recursive: true, force: true });
}
