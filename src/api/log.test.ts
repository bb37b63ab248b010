import { expect, test } from "bun:test";
import { failure } from "../errors/mod.ts";
import { createLog, formatJson, formatLine } from "./log.ts";

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
  const log = createLog("info", { write: (line) => lines.push(line) });
  log.debug("hidden");
  log.error("it failed", { error: failure("internal", { message: "outer" }, new TypeError("inner")) });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/ level=error msg="it failed" error=outer stack="CaissonError: outer\\n/);
  expect(lines[0]).toContain('cause="TypeError: inner');
});

test("the level changes while the log is used", () => {
  const lines: string[] = [];
  const log = createLog("warn", { write: (line) => lines.push(line) });
  log.info("1");
  log.setLevel("debug");
  log.debug("2");
  log.setLevel("error");
  log.warn("3");
  expect(lines.map((line) => /msg=(\S+)/.exec(line)?.[1])).toEqual(["2"]);
});

test("JSON lines have logrus's fields", () => {
  const time = new Date(Date.UTC(2026, 10, 24, 4, 47, 36, 98));
  expect(formatJson(time, "warn", "x", { id: "abc", n: 3n, u: undefined })).toBe(
    '{"id":"abc","n":"3","level":"warning","msg":"x","time":"2026-11-24T04:47:36.098Z"}\n',
  );
  const failed = JSON.parse(
    formatJson(time, "error", "x", { error: failure("internal", { message: "y" }) }),
  ) as object;
  expect(failed).toMatchObject({ error: "y", level: "error", msg: "x" });
});
