import { expect, test } from "bun:test";
import { logDrivers, remoteDrivers } from "./drivers.ts";

test("`info` lists all but none, sorted, and every one with a server is there", () => {
  expect(logDrivers).toEqual(["fluentd", "gelf", "journald", "json-file", "local", "syslog"]);
  for (const [name, { options }] of Object.entries(remoteDrivers)) {
    // Options of one driver's own begin with its name.
    const own = [...options].filter((option) => option.includes("-") && !option.endsWith("-regex"));
    expect(own.every((option) => option.startsWith(`${name}-`))).toBe(true);
    for (const option of ["labels", "labels-regex", "env", "env-regex", "tag"])
      expect(options.has(option)).toBe(true);
  }
});
