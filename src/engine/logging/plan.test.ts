import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerRecord } from "../container.ts";
import { EnginePaths } from "../paths.ts";
import { exampleRecord } from "../testing.ts";
import { isReadable, logFiles, logPath, remotePlan, shimLog } from "./plan.ts";

let folder: string;
let paths: EnginePaths;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-plan-"));
  paths = new EnginePaths(join(folder, "data"), join(folder, "run"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function logging(Type: string, Config: Readonly<Record<string, string>> = {}): ContainerRecord {
  return exampleRecord({ host: { LogConfig: { Type, Config } }, config: { Labels: { a: "1" } } });
}

const syslogHere = { "syslog-address": "udp://127.0.0.1:1" };

test("logs lie where Docker has them, as far as others read them", () => {
  const below = (record: ContainerRecord): string | undefined =>
    logPath(paths, record)?.slice(paths.container(record.id).length + 1);
  const { id } = logging("none");
  expect(below(logging("json-file"))).toBe(`${id}-json.log`);
  expect(below(logging("local"))).toBe("local-logs/container.log");
  expect(below(logging("syslog"))).toBe("container-cached.log");
  expect(logPath(paths, logging("none"))).toBeUndefined();
});

test.each([
  ["none", {}, false],
  ["json-file", {}, true],
  ["local", { "cache-disabled": "true" }, true],
  ["syslog", {}, true],
  ["syslog", { "cache-disabled": "" }, true],
  ["syslog", { "cache-disabled": "false" }, true],
  ["syslog", { "cache-disabled": "1" }, false],
] as const)("`logs` of %s with %j: %p", (type, config, expected) => {
  expect(isReadable(logging(type, config))).toBe(expected);
});

describe("how the shim writes", () => {
  const shim = (record: ContainerRecord): ReturnType<typeof shimLog> =>
    shimLog(paths, { record, name: "web" });

  test("json-file: with attributes, and a container waits for it", () => {
    const record = logging("json-file", { "max-size": "1k", "max-file": "3", labels: "a" });
    expect(shim(record)).toEqual({
      path: paths.log(record.id),
      limit: 1000,
      files: 3,
      attributes: ',"attrs":{"a":"1"}',
      keepsUnmarked: false,
      impatient: false,
    });
  });

  test("to a server: what was not sent is kept, attributes go their own way", () => {
    expect(shim(logging("syslog", { ...syslogHere, labels: "a" }))).toMatchObject({
      attributes: "",
      keepsUnmarked: true,
      impatient: false,
    });
  });

  test("a container that doesn't wait has a buffer, of a pipe no more than the kernel gives", () => {
    const of = (size?: string): unknown => {
      const more: Record<string, string> = size === undefined ? {} : { "max-buffer-size": size };
      const { keepsUnmarked, impatient, pipeSize } =
        shim(logging("syslog", { ...syslogHere, mode: "non-blocking", ...more })) ?? {};
      return { keepsUnmarked, impatient, pipeSize };
    };
    expect(of()).toEqual({ keepsUnmarked: false, impatient: true, pipeSize: 1 << 20 });
    expect(of("64k")).toEqual({ keepsUnmarked: false, impatient: true, pipeSize: 64 << 10 });
    expect(of("4m")).toEqual({ keepsUnmarked: false, impatient: true, pipeSize: 1 << 20 });
  });

  test("none", () => {
    expect(shim(logging("none"))).toBeUndefined();
    expect(logFiles(paths, logging("none"))).toBeUndefined();
  });
});

test("where it is sent, and what may wait for that", () => {
  const plan = (record: ContainerRecord): ReturnType<typeof remotePlan> =>
    remotePlan(paths, { record, name: "web" });
  expect(plan(logging("json-file"))).toBeUndefined();
  expect(plan(logging("none"))).toBeUndefined();
  const waiting = plan(logging("syslog", syslogHere));
  expect(waiting?.path).toEndWith("/container-cached.log");
  expect(waiting !== undefined && "buffer" in waiting).toBe(false);
  const config = { ...syslogHere, mode: "non-blocking", "max-buffer-size": "4m" };
  expect(plan(logging("syslog", config))?.buffer).toBe(4 << 20);
  expect(logFiles(paths, logging("syslog", config))?.sentOnly).toBe(true);
});
