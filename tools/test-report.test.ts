import { expect, test } from "bun:test";
import { closingLine, emptyReport, readReport, readSummary, sum, summary, withExit } from "./test-report.ts";

const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="1" failures="1" skipped="2" time="0.03">
  <testsuite name="a.test.ts" file="a.test.ts" tests="4" assertions="1" failures="1" skipped="2">
    <testcase name="needs &lt;one&gt; (skipped: no two)" classname="" time="0" file="a.test.ts" line="2" assertions="0">
      <skipped />
    </testcase>
    <testcase name="later" classname="group &gt; inner" time="0" file="a.test.ts" line="3" assertions="0">
      <skipped message="TODO" />
    </testcase>
    <testsuite name="d &quot;q&quot;" file="a.test.ts" line="4" tests="2">
      <testcase name="fails" classname="d &quot;q&quot;" time="0.000912" file="a.test.ts" line="4" assertions="1">
        <failure type="AssertionError" message="expect&#10;">AssertionError</failure>
      </testcase>
      <testcase name="ok" classname="d &quot;q&quot;" time="0.000058" file="a.test.ts" line="4" assertions="0" />
    </testsuite>
  </testsuite>
</testsuites>`;

test("counts tests and names the skipped ones", () => {
  expect(readReport(xml)).toEqual({
    passed: 1,
    failed: ['a.test.ts: d "q" > fails'],
    skipped: ["a.test.ts: needs <one> (skipped: no two)", "a.test.ts: group > inner > later"],
  });
});

test("a runner that ends badly without a failed test is a failure", () => {
  expect(withExit(emptyReport, "b.test.ts", false).failed).toEqual(["b.test.ts: ended badly"]);
  expect(withExit(emptyReport, "b.test.ts", true).failed).toEqual([]);
  expect(withExit(readReport(xml), "a.test.ts", false).failed).toHaveLength(1);
});

test("the closing line sums up", () => {
  const report = readReport(xml);
  expect(closingLine(sum([report, report]))).toBe("2 passed, 2 failed, 4 skipped");
});

test("the summary of another machine is read again, and nothing else is taken for it", () => {
  const report = readReport(xml);
  const said = `./b.test.ts: 2 passed, 0 failed, 0 skipped, 3.1 s\n${summary(report)}\n`;
  expect(summary(report)).toContain(
    "\nskipped: a.test.ts: group > inner > later (no reason given)\nfailed: a.test.ts",
  );
  expect(readSummary(said)).toEqual({
    ...report,
    skipped: [report.skipped[0]!, `${report.skipped[1]} (no reason given)`],
  });
  expect(readSummary(said.slice(0, -10))).toBeUndefined();
});
