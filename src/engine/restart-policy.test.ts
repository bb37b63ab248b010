import { expect, test } from "bun:test";
import { newState, type ContainerState } from "./container.ts";
import { backOff, checkRestartPolicy, restartsAfterExit, restartsWithEngine } from "./restart-policy.ts";

const policy = (Name: string, MaximumRetryCount = 0): { Name: string; MaximumRetryCount: number } => ({
  Name,
  MaximumRetryCount,
});
const ended = (change: Partial<ContainerState> = {}): ContainerState => ({
  ...newState(),
  status: "exited",
  startedAt: "2026-01-02T03:04:05Z",
  ...change,
});

test.each([
  ["foo", 0, "unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"],
  ["on-failure", -1, "maximum retry count cannot be negative"],
  ["always", 2, "maximum retry count can only be used with 'on-failure'"],
  ["always", -2, "maximum retry count can only be used with 'on-failure' and cannot be negative"],
])("%s:%d is refused", (name, retries, message) => {
  expect(() => checkRestartPolicy(policy(name, retries))).toThrow(`invalid restart policy: ${message}`);
});

test.each([
  ["no", 0, { exitCode: 1 }, false],
  ["always", 0, { exitCode: 0 }, true],
  ["unless-stopped", 0, { exitCode: 0 }, true],
  ["always", 0, { manuallyStopped: true }, false],
  ["on-failure", 0, { exitCode: 0 }, false],
  ["on-failure", 0, { exitCode: 1, restartCount: 99 }, true],
  ["on-failure", 3, { exitCode: 1, restartCount: 2 }, true],
  ["on-failure", 3, { exitCode: 1, restartCount: 3 }, false],
  ["on-failure", 0, { exitCode: 137, manuallyStopped: true }, false],
] as const)("%s:%d after an exit %p: %p", (name, retries, state, expected) => {
  expect(restartsAfterExit(policy(name, retries), ended(state))).toBe(expected);
});

test.each([
  ["always", { manuallyStopped: true }, true],
  ["always", { status: "created", startedAt: newState().startedAt }, false],
  ["unless-stopped", { manuallyStopped: true }, false],
  ["unless-stopped", {}, true],
  ["on-failure", { exitCode: 255 }, true],
  ["on-failure", { exitCode: 0 }, false],
  ["no", { exitCode: 1 }, false],
  ["no", { status: "restarting" }, true],
  ["always", { status: "dead" }, false],
] as const)("%s when the engine starts %p: %p", (name, state, expected) => {
  expect(restartsWithEngine(policy(name), ended(state))).toBe(expected);
});

test("the wait doubles up to a minute, and begins anew after ten seconds of running", () => {
  let wait = 0;
  const waits = Array.from({ length: 12 }, () => (wait = backOff(wait, 0)));
  expect(waits.slice(0, 4)).toEqual([100, 200, 400, 800]);
  expect(waits.slice(-2)).toEqual([60_000, 60_000]);
  expect(backOff(60_000, 9.9)).toBe(60_000);
  expect(backOff(60_000, 10)).toBe(100);
});
