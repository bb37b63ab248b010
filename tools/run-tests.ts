/**
 * `make test`: every test, and as the last line `N passed, N failed, N skipped`. Unit tests run in one process; each
 * file of test/ in one of its own, so that a crash costs one file and is counted as a failure.
 *
 * `bun tools/run-tests.ts [FOLDER|FILE…]` runs these integration tests alone.
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patience } from "../test/support/patience.ts";
import { closingLine, emptyReport, readReport, sum, withExit, type TestReport } from "./test-report.ts";

const root = join(import.meta.dir, "..");
/** For one test, in ms: an engine may have to start on a busy machine. */
const testTimeout = 120_000 * patience;
/** For one file, in ms: whatever hangs longer is killed. */
const fileTimeout = 600_000 * patience;

const work = mkdtempSync(join(tmpdir(), "caisson-tests."));

async function run(targets: readonly string[], timeout: number): Promise<TestReport> {
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
    { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: process.env },
  );
  const deadline = setTimeout(() => {
    console.error(`${targets.join(" ")}: not done after ${fileTimeout / 1000} s, killed`);
    child.kill("SIGKILL");
  }, fileTimeout);
  const status = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  clearTimeout(deadline);
  const report = existsSync(outfile) ? readReport(readFileSync(outfile, "utf8")) : emptyReport;
  return withExit(report, status === 0);
}

function filesIn(folder: string): readonly string[] {
  if (folder.endsWith(".test.ts")) return [`./${folder}`];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `./${folder}/${file}`)
    .sort();
}

async function main(folders: readonly string[]): Promise<number> {
  const reports: TestReport[] = [];
  const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);
  const unit = folders.length === 0;
  if (unit) {
    const start = performance.now();
    reports.push(await run(["./src", "./tools", "./bench"], 5000));
    console.log(`unit tests: ${seconds(start)} s`);
  }
  const all = (unit ? ["test"] : folders).flatMap(filesIn);
  const files = unit ? all.filter((file) => !file.startsWith("./test/conformance/")) : all;
  if (files.length > 0 && process.getuid?.() !== 0) {
    console.error("the tests in test/ need root; `bun test src` runs those that don't");
    reports.push(withExit(emptyReport, false));
  } else {
    for (const file of files) {
      const start = performance.now();
      const report = await run([file], testTimeout);
      reports.push(report);
      console.log(`${file}: ${closingLine(report)}, ${seconds(start)} s`);
    }
  }
  const total = sum(reports);
  for (const name of total.skipped) {
    console.log(`skipped: ${name}${name.includes("(skipped: ") ? "" : " (no reason given)"}`);
  }
  if (total.passed + total.failed === 0) console.error("no test ran");
  console.log(closingLine(total));
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  rmSync(work, { recursive: true, force: true });
}
