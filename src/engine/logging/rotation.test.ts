import { expect, test } from "bun:test";
import { rotationOf } from "./rotation.ts";

const MIB = 1024 * 1024;

test.each([
  ["json-file", {}, { limit: 20 * MIB, files: 5, compress: false }],
  ["json-file", { "max-file": "3" }, { limit: 20 * MIB, files: 3, compress: false }],
  ["json-file", { "max-size": "10m" }, { limit: 10_000_000, files: 1, compress: false }],
  ["json-file", { "max-size": "1.5k", "max-file": "3" }, { limit: 1500, files: 3, compress: false }],
  ["json-file", { "max-size": "2 GiB" }, { limit: 2_000_000_000, files: 1, compress: false }],
  ["json-file", { "max-size": "unlimited" }, { limit: 0, files: 1, compress: false }],
  [
    "json-file",
    { "max-size": "1m", "max-file": "2", compress: "true" },
    { limit: 1e6, files: 2, compress: true },
  ],
  ["local", {}, { limit: 20 * MIB, files: 5, compress: true }],
  ["local", { "max-file": "1", compress: "false" }, { limit: 20 * MIB, files: 1, compress: false }],
  ["syslog", { "max-size": "1k" }, { limit: 4 * MIB, files: 25, compress: true }],
  ["syslog", { "cache-max-size": "1m" }, { limit: 1_000_000, files: 5, compress: true }],
  ["syslog", { "cache-max-file": "3" }, { limit: 20 * MIB, files: 3, compress: true }],
  ["syslog", { "cache-max-size": "1k", "cache-max-file": "1" }, { limit: 1000, files: 2, compress: false }],
] as [string, Record<string, string>, object][])("%s %j", (Type, Config, expected) => {
  expect(rotationOf({ Type, Config })).toEqual(expected as ReturnType<typeof rotationOf>);
});
