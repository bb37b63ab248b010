import { expect, test } from "bun:test";
import { checkLogOptions, logAttributes, rotation } from "./log-options.ts";
import { exampleRecord } from "./testing.ts";

const check = (Config: Readonly<Record<string, string>>, Type = "json-file"): string[] =>
  checkLogOptions({ Type, Config });

test.each([
  [{ "max-size": "foo" }, "invalid size: 'foo'"],
  [{ "max-size": "-1" }, "invalid size: '-1'"],
  [{ "max-size": "1k", "max-file": "0" }, "max-file cannot be less than 1"],
  [{ "max-file": "x" }, 'strconv.Atoi: parsing "x": invalid syntax'],
  [{ foo: "bar" }, "unknown log opt 'foo' for json-file log driver"],
  [{ mode: "foo" }, "logger: logging mode not supported: foo"],
  [{ "max-buffer-size": "1m" }, "max-buffer-size option is only supported with 'mode=non-blocking'"],
  [{ compress: "maybe" }, "strconv.ParseBool"],
  [{ compress: "true" }, "compress cannot be true when max-file is less than 2 or max-size is not set"],
  [{ "labels-regex": "(" }, "error parsing regexp"],
  [{ tag: "{{.Nonsense}}" }, "is not supported by this version of caisson"],
] as [Record<string, string>, string][])("%j is refused", (options, text) => {
  expect(() => check(options)).toThrow(text);
});

test("drivers: two are known, Docker's others are said to be missing, any other isn't one", () => {
  expect(check({ "max-size": "10m", "max-file": "3" })).toEqual([]);
  expect(check({ anything: "goes" }, "none")).toEqual([]);
  expect(() => check({}, "syslog")).toThrow(
    "the log driver syslog is not supported by this version of caisson",
  );
  expect(() => check({}, "foo")).toThrow('error looking up logging plugin foo: plugin "foo" not found');
});

test("what isn't done is warned of", () => {
  expect(check({ mode: "non-blocking" })).toEqual([expect.stringContaining("non-blocking")]);
  expect(check({ compress: "true", "max-size": "1k", "max-file": "2" })).toEqual([
    expect.stringContaining("compress"),
  ]);
});

test("rotation", () => {
  expect(rotation({})).toEqual({ limit: 0, files: 1 });
  expect(rotation({ "max-size": "1.5k", "max-file": "3" })).toEqual({ limit: 1536, files: 3 });
  expect(rotation({ "max-size": "2GiB" }).limit).toBe(2 * 1024 ** 3);
});

test("details: the labels and variables that were asked for, and the tag", () => {
  const config = { Labels: { a: "1", bb: "2", c: "3" }, Env: ["E=x=y", "F=z", "bare"] };
  const of = (Config: Record<string, string>): object =>
    logAttributes(exampleRecord({ config, host: { LogConfig: { Type: "json-file", Config } } }), "web");
  expect(of({})).toEqual({});
  expect(of({ labels: "a,nosuch", "labels-regex": "^b", env: "E", tag: "{{.Name}}!" })).toEqual({
    a: "1",
    bb: "2",
    E: "x=y",
    tag: "web!",
  });
});
