/**
 * What a run of `bun test` came to, read from its JUnit report.
 * @module
 */

/** How many tests passed, and the names of the others, as `file: describe > name`. */
export interface TestReport {
  readonly passed: number;
  readonly failed: readonly string[];
  /** A reason is part of the name. */
  readonly skipped: readonly string[];
}

/** No test at all. */
export const emptyReport: TestReport = { passed: 0, failed: [], skipped: [] };

/** Reads a report of `bun test --reporter=junit`. */
export function readReport(xml: string): TestReport {
  let passed = 0;
  const failed: string[] = [];
  const skipped: string[] = [];
  for (const [, attributes = "", end, body = ""] of xml.matchAll(
    /<testcase ([^>]*?)(\/>|>)((?:(?!<testcase ).)*?(?=<\/testcase>)|)/gs,
  )) {
    const inner = end === "/>" ? "" : body;
    if (inner.includes("<skipped")) skipped.push(nameOf(attributes));
    else if (inner.includes("<failure") || inner.includes("<error")) failed.push(nameOf(attributes));
    else passed++;
  }
  return { passed, failed, skipped };
}

/**
 * Adds how the runner of `target` exited to its report: one that ended badly without a failed test (a crash, a file
 * that doesn't load) is a failure of its own.
 */
export function withExit(report: TestReport, target: string, ok: boolean): TestReport {
  return ok || report.failed.length > 0 ? report : { ...report, failed: [`${target}: ended badly`] };
}

/** The sum of reports. */
export function sum(reports: readonly TestReport[]): TestReport {
  return {
    passed: reports.reduce((total, { passed }) => total + passed, 0),
    failed: reports.flatMap(({ failed }) => failed),
    skipped: reports.flatMap(({ skipped }) => skipped),
  };
}

/** The line that a run closes with. */
export function closingLine({ passed, failed, skipped }: TestReport): string {
  return `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
}

/** What a run ends with: a line for each test that was skipped, for each that failed, and the closing line. */
export function summary(report: TestReport): string {
  return [
    ...report.skipped.map(
      (name) => `skipped: ${name}${name.includes("(skipped: ") ? "" : " (no reason given)"}`,
    ),
    ...report.failed.map((name) => `failed: ${name}`),
    closingLine(report),
  ].join("\n");
}

/** Reads what {@link summary} said; undefined without a closing line. */
export function readSummary(output: string): TestReport | undefined {
  const [, passed] = /^(\d+) passed, \d+ failed, \d+ skipped\n$/m.exec(output.slice(-200)) ?? [];
  if (passed === undefined) return undefined;
  const named = (what: string): readonly string[] =>
    [...output.matchAll(new RegExp(`^${what}: (.*)$`, "gm"))].map(([, name = ""]) => name);
  return { passed: Number(passed), failed: named("failed"), skipped: named("skipped") };
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
