import { expect, test } from "bun:test";
import { failure } from "../errors/mod.ts";
import { createLog, formatLine } from "./log.ts";

test("lines have dockerd's form", () => {
  const time = new Date(Date.UTC(2026, 10, 24, 4, 47, 36, 98));
  expect(
    formatLine(time, "warn", "Failed to find it", { error: 'no "x"', id: "abc", n: 3, u: undefined }),
  ).toBe(
    'time="2026-11-24T04:47:36.098Z" level=warning msg="Failed to find it" error="no \\"x\\"" id=abc n=3\n',
  );
});

test("levels below the chosen one are silent; errors bring their stack and causes", () => {
  const lines: string[] = [];
  const log = createLog("info", (line) => lines.push(line));
  log.debug("hidden");
  log.error("it failed", { error: failure("internal", { message: "outer" }, new TypeError("inner")) });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/ level=error msg="it failed" error=outer stack="CaissonError: outer\\n/);
  expect(lines[0]).toContain('cause="TypeError: inner');
});
