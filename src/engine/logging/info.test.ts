import { expect, test } from "bun:test";
import { exampleRecord } from "../testing.ts";
import {
  attributesText,
  chosenAttributes,
  commandOf,
  recordAttributes,
  tagOf,
  type LogInfo,
} from "./info.ts";

const record = exampleRecord({
  config: { Labels: { "com.a": "1", b: "" }, Env: ["PATH=/bin", "E=a=b", "BARE"] },
});
const info: LogInfo = { record: { ...record, path: "/bin/sh", args: ["-c", "a  b"] }, name: "web" };

test("what a tag may name, as dockerd has it", () => {
  const tag = (template: string): string => tagOf(info, { tag: template, labels: "b" }, "");
  expect(tag("{{.ContainerName}} {{.Name}} {{.ContainerID}}")).toBe(`/web web ${record.id}`);
  expect(tag("{{.ContainerEntrypoint}} {{.ContainerArgs}} {{.Command}}")).toBe(
    "/bin/sh [-c a  b] /bin/sh -c a  b",
  );
  // The first twelve letters of `sha256:…`, as dockerd cuts it.
  expect(tag("{{.ImageID}}")).toBe("sha256:00000");
  expect(tag("{{.ExtraAttributes}} {{.Config}}")).toBe(
    "map[b:] map[labels:b tag:{{.ExtraAttributes}} {{.Config}}]",
  );
  expect(tag('{{index .ContainerLabels "com.a"}}|{{.LogPath}}|{{.DaemonName}}')).toBe("1||docker");
  expect(tagOf(info, { tag: "" }, "{{.ID}}")).toBe(record.id.slice(0, 12));
});

test("a template that fails is told of as log-tag", () => {
  expect(() => tagOf(info, { tag: "{{.Nope}}" }, "")).toThrow(
    /^template: log-tag:1:2: executing "log-tag" at <\.Nope>/,
  );
});

test("times of whole seconds are printed without a fraction", () => {
  const at = (created: string): string =>
    tagOf({ ...info, record: { ...record, created } }, { tag: "{{.ContainerCreated}}" }, "");
  expect(at("2026-01-02T03:04:05Z")).toBe("2026-01-02 03:04:05 +0000 UTC");
  expect(at("2026-01-02T03:04:05.000000001Z")).toBe("2026-01-02 03:04:05.000000001 +0000 UTC");
});

test("labels and variables that were named, or match; a variable without a value is none", () => {
  expect(chosenAttributes(info, { labels: "b,,nosuch", env: "E,BARE" })).toEqual({ b: "", E: "a=b" });
  expect(chosenAttributes(info, { "labels-regex": "^com", "env-regex": "^P" })).toEqual({
    "com.a": "1",
    PATH: "/bin",
  });
  expect(chosenAttributes(info, {})).toEqual({});
  expect(recordAttributes(info, { labels: "b", tag: "{{.Name}}" })).toEqual({ b: "", tag: "web" });
  expect(recordAttributes(info, {})).toEqual({});
});

test("attributes as Go marshals them: sorted, with HTML and line separators escaped", () => {
  expect(attributesText({ z: "\u2028<", a: '\\"' })).toBe(',"attrs":{"a":"\\\\\\"","z":"\\u2028\\u003c"}');
});

test("a command line is words with spaces between", () => {
  expect(commandOf(info)).toBe("/bin/sh -c a  b");
});
