import { expect, test } from "bun:test";
import { closingLine, emptyReport, readClosingLine, readReport, sum, withExit } from "./test-report.ts";

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
    failed: 1,
    skipped: ["a.test.ts: needs <one> (skipped: no two)", "a.test.ts: group > inner > later"],
  });
});

test("a runner that ends badly without a failed test is a failure", () => {
  expect(withExit(emptyReport, false).failed).toBe(1);
  expect(withExit(emptyReport, true).failed).toBe(0);
  expect(withExit(readReport(xml), false).failed).toBe(1);
});

test("the closing line sums up", () => {
  const report = readReport(xml);
  expect(closingLine(sum([report, report]))).toBe("2 passed, 2 failed, 4 skipped");
});

test("the closing line of another machine is read again, and nothing else is taken for it", () => {
  const said = "2 passed, 0 failed, 0 skipped, 3.1 s\nskipped: a.test.ts: b (skipped: no c)\n";
  expect(readClosingLine(`${said}2 passed, 0 failed, 1 skipped\n`)).toEqual({
    passed: 2,
    failed: 0,
    skipped: ["a.test.ts: b (skipped: no c)"],
  });
  expect(readClosingLine(said)).toBeUndefined();
});
