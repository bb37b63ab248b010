import { expect, test } from "bun:test";
import {
  checkHealthcheck,
  freshHealth,
  healthcheckWarnings,
  judge,
  mergeHealthcheck,
  probeCommand,
  probeInterval,
  type Health,
} from "./healthcheck.ts";
import { exampleRecord } from "./testing.ts";
import { parseTime } from "./time.ts";

const second = 1e9;
const started = "2026-01-02T03:04:00Z";
type Probed = Parameters<typeof judge>[3];
const result = (ExitCode: number, at = 30): Probed => ({
  Start: `2026-01-02T03:04:${at}Z`,
  End: `2026-01-02T03:04:${at}.5Z`,
  ExitCode,
  Output: "",
});

test.each([
  [{ Interval: 5 }, "Interval in Healthcheck cannot be less than 1ms"],
  [{ Timeout: -5 }, "Timeout in Healthcheck cannot be less than 1ms"],
  [{ StartPeriod: 7 }, "StartPeriod in Healthcheck cannot be less than 1ms"],
  [{ StartInterval: 7 }, "StartInterval in Healthcheck cannot be less than 1ms"],
  [{ Retries: -1 }, "Retries in Healthcheck cannot be negative"],
])("%p is refused", (check, message) => expect(() => checkHealthcheck(check)).toThrow(message));

test("what the client leaves out is the image's; what is zero is left out", () => {
  const image = { Test: ["CMD", "a"], Interval: second, Retries: 2 };
  expect(mergeHealthcheck(undefined, image)).toEqual(image);
  expect(mergeHealthcheck({ Test: ["CMD", "b"], Interval: 0, Retries: 5 }, image)).toEqual({
    Test: ["CMD", "b"],
    Interval: second,
    Retries: 5,
  });
  expect(mergeHealthcheck({ Timeout: 3 * second }, image)).toEqual({ ...image, Timeout: 3 * second });
  expect(mergeHealthcheck({ Test: ["NONE"] }, image)?.Test).toEqual(["NONE"]);
  expect(mergeHealthcheck({ Test: [], Interval: 0 }, null)).toEqual({});
  expect(mergeHealthcheck(undefined, null)).toBeUndefined();
});

test("the command of a probe", () => {
  const command = (Test: readonly string[], Shell?: readonly string[]): readonly string[] | undefined =>
    probeCommand({
      ...exampleRecord({ config: { Healthcheck: { Test } } }).config,
      ...(Shell === undefined ? {} : { Shell }),
    });
  expect(command(["CMD", "a", "b"])).toEqual(["a", "b"]);
  expect(command(["CMD-SHELL", "a b"])).toEqual(["/bin/sh", "-c", "a b"]);
  expect(command(["CMD-SHELL", "a b"], ["/bin/bash", "-ec"])).toEqual(["/bin/bash", "-ec", "a b"]);
  expect(command(["NONE"])).toBeUndefined();
  expect(command([])).toBeUndefined();
  expect(command(["FOO", "x"])).toBeUndefined();
});

test("a type that nobody knows is warned of", () => {
  const warnings = (Test: readonly string[]): string[] =>
    healthcheckWarnings(exampleRecord({ config: { Healthcheck: { Test } } }).config);
  expect(warnings(["FOO"])[0]).toStartWith("Unknown healthcheck type 'FOO' (expected 'CMD')");
  expect(warnings(["CMD-SHELL", "x"])).toEqual([]);
});

/** What `result` makes of the health of a container that was started at `started`. */
const after = (health: Health, check: Parameters<typeof judge>[1], result: Probed): Health =>
  judge(health, check, Number(parseTime(result.Start) - parseTime(started)), result);

test("unhealthy after as many failures as there are retries; one success is enough", () => {
  const check = { Retries: 2 };
  let health: Health = after(freshHealth(undefined), check, result(1));
  expect(health).toMatchObject({ status: "starting", failingStreak: 1 });
  health = after(health, check, result(-1));
  expect(health).toMatchObject({ status: "unhealthy", failingStreak: 2 });
  health = after(health, check, result(0));
  expect(health).toMatchObject({ status: "healthy", failingStreak: 0 });
  health = after(health, check, result(1));
  expect(health).toMatchObject({ status: "healthy", failingStreak: 1 });
});

test("failures in the start period don't count, unless it has been healthy", () => {
  const check = { Retries: 1, StartPeriod: 40 * second };
  const failed = after(freshHealth(undefined), check, result(1, 39));
  expect(failed).toMatchObject({ status: "starting", failingStreak: 0 });
  expect(failed.log).toHaveLength(1);
  expect(after(failed, check, result(1, 40)).status).toBe("unhealthy");
  const healthy = after(failed, check, result(0, 10));
  expect(after(healthy, check, result(1, 20)).status).toBe("unhealthy");
});

test("five results are kept, also over a start", () => {
  let health = freshHealth(undefined);
  for (let at = 10; at < 17; at++) health = after(health, {}, result(0, at));
  expect(health.log.map(({ Start }) => Start.slice(17, 19))).toEqual(["12", "13", "14", "15", "16"]);
  expect(freshHealth(health)).toEqual({ status: "starting", failingStreak: 0, log: health.log });
});

test("between probes: the start interval while it starts, the interval from then on", () => {
  const check = { Interval: 9 * second, StartPeriod: 20 * second, StartInterval: 2 * second };
  const starting = freshHealth(undefined);
  expect(probeInterval(check, starting, 19 * second)).toBe(2 * second);
  expect(probeInterval(check, starting, 20 * second)).toBe(9 * second);
  expect(probeInterval(check, { ...starting, status: "healthy" }, second)).toBe(9 * second);
  expect(probeInterval({ StartPeriod: 20 * second }, starting, 0)).toBe(5 * second);
  expect(probeInterval({}, starting, 0)).toBe(30 * second);
});
