/**
 * What a run of `bun test` came to, read from its JUnit report.
 * @module
 */

/** Counts of tests, and the names of those that were skipped. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  /** One per skipped test: `file: describe > name`. A reason is part of the name. */
  readonly skipped: readonly string[];
}

/** No test at all. */
export const emptyReport: TestReport = { passed: 0, failed: 0, skipped: [] };

/** Reads a report of `bun test --reporter=junit`. */
export function readReport(xml: string): TestReport {
  let passed = 0;
  let failed = 0;
  const skipped: string[] = [];
  for (const [, attributes = "", end, body = ""] of xml.matchAll(
    /<testcase ([^>]*?)(\/>|>)((?:(?!<testcase ).)*?(?=<\/testcase>)|)/gs,
  )) {
    const inner = end === "/>" ? "" : body;
    if (inner.includes("<skipped")) skipped.push(nameOf(attributes));
    else if (inner.includes("<failure") || inner.includes("<error")) failed++;
    else passed++;
  }
  return { passed, failed, skipped };
}

/**
 * Adds a runner's exit status to its report: a runner that ended badly without a failed test (a crash, a file that
 * doesn't load) is a failure of its own.
 */
export function withExit(report: TestReport, ok: boolean): TestReport {
  return ok || report.failed > 0 ? report : { ...report, failed: 1 };
}

/** The sum of reports. */
export function sum(reports: readonly TestReport[]): TestReport {
  return {
    passed: reports.reduce((total, { passed }) => total + passed, 0),
    failed: reports.reduce((total, { failed }) => total + failed, 0),
    skipped: reports.flatMap(({ skipped }) => skipped),
  };
}

/** The line that a run closes with. */
export function closingLine({ passed, failed, skipped }: TestReport): string {
  return `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
}

/** Reads what {@link closingLine} and the lines `skipped: NAME` before it said; undefined without a closing line. */
export function readClosingLine(output: string): TestReport | undefined {
  const [, passed, failed] = /^(\d+) passed, (\d+) failed, \d+ skipped\n$/m.exec(output.slice(-200)) ?? [];
  if (passed === undefined || failed === undefined) return undefined;
  const skipped = [...output.matchAll(/^skipped: (.*)$/gm)].map(([, name = ""]) => name);
  return { passed: Number(passed), failed: Number(failed), skipped };
}

function nameOf(attributes: string): string {
  const value = (name: string): string =>
    unescape(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
  return [
    `${value("file")}:`,
    ...[value("classname")].filter(Boolean).map((group) => `${group} >`),
    value("name"),
  ].join(" ");
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescape(text: string): string {
  return text.replaceAll(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);
}
