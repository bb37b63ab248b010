import { describe, expect, test } from "bun:test";
import type { DaemonSetting } from "./daemon-setting.ts";
import { wordsOf } from "./daemon-values.ts";

const setting = (json: DaemonSetting["json"]): DaemonSetting =>
  ({ name: "x", type: "string", usage: "", json }) as DaemonSetting;

describe("the words of a flag", () => {
  test.each([
    ["bool", true, ["true"]],
    ["int", 3, ["3"]],
    ["int", -1, ["-1"]],
    ["string", "", [""]],
    ["strings", ["a", "b"], ["a", "b"]],
    ["strings", [], []],
    ["map", { a: "1", b: "x=y" }, ["a=1", "b=x=y"]],
    ["switches", { a: true, b: false }, ["a=true", "b=false"]],
    ["ulimits", { nofile: { Name: "nofile", Soft: 1, Hard: 2 }, core: {} }, ["nofile=1:2", "core=0:0"]],
    ["pools", [{ base: "10.0.0.0/8", size: 24 }], ["base=10.0.0.0/8,size=24"]],
    ["options-by-driver", { bridge: { a: "1", b: "2" }, x: {} }, ["bridge=a=1", "bridge=b=2"]],
    ["any", { a: [null] }, ['{"a":[null]}']],
  ] as const)("%s %j", (form, value, words) => {
    expect(wordsOf(setting(form), "key", value)).toEqual([...words]);
  });
});

describe("refused in the words of Go's decoder", () => {
  test.each([
    ["bool", "true", "string into Go struct field Config.key of type bool"],
    ["bool", 1, "number into Go struct field Config.key of type bool"],
    ["int", "3", "string into Go struct field Config.key of type int"],
    ["int", 1.5, "number 1.5 into Go struct field Config.key of type int"],
    ["string", ["a"], "array into Go struct field Config.key of type string"],
    ["strings", "a", "string into Go struct field Config.key of type []string"],
    ["strings", ["a", 1], "number into Go struct field Config.key of type string"],
    ["map", [], "array into Go struct field Config.key of type map[string]string"],
    ["map", { a: true }, "bool into Go struct field Config.key.a of type string"],
    ["switches", { a: "true" }, "string into Go struct field Config.key.a of type bool"],
    ["ulimits", { core: 1 }, "number into Go struct field Config.key of type map[string]*container.Ulimit"],
    ["pools", {}, "object into Go struct field Config.key of type opts.PoolsOpt"],
    [
      "options-by-driver",
      { a: "b" },
      "string into Go struct field Config.key of type map[string]map[string]string",
    ],
  ] as const)("%s %j", (form, value, text) => {
    expect(() => wordsOf(setting(form), "key", value)).toThrow(
      `invalid JSON: json: cannot unmarshal ${text}`,
    );
  });
});
