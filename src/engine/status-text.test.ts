import { expect, test } from "bun:test";
import { newState, type ContainerState } from "./container.ts";
import { humanDuration, statusText } from "./status-text.ts";
import { parseTime } from "./time.ts";

test("durations are said as go-units says them", () => {
  const said: [number, string][] = [
    [-5, "Less than a second"],
    [0.9, "Less than a second"],
    [1.5, "1 second"],
    [2, "2 seconds"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [119, "About a minute"],
    [120, "2 minutes"],
    [59 * 60, "59 minutes"],
    [60 * 60, "About an hour"],
    [89 * 60, "About an hour"],
    [90 * 60, "2 hours"],
    [47 * 3600, "47 hours"],
    [48 * 3600, "2 days"],
    [14 * 24 * 3600, "2 weeks"],
    [60 * 24 * 3600, "2 months"],
    [729 * 24 * 3600, "24 months"],
    [730 * 24 * 3600, "2 years"],
  ];
  for (const [seconds, text] of said) expect(humanDuration(BigInt(seconds * 1e9))).toBe(text);
});

test("states are said as docker ps says them", () => {
  const at = parseTime("2024-01-01T00:03:00Z");
  const times = { startedAt: "2024-01-01T00:02:58.5Z", finishedAt: "2024-01-01T00:00:00Z" };
  const text = (state: Partial<ContainerState>): string =>
    statusText({ ...newState(), ...times, ...state }, at);
  expect(text({ status: "created" })).toBe("Created");
  expect(text({ status: "running" })).toBe("Up 1 second");
  expect(text({ status: "paused" })).toBe("Up 1 second (Paused)");
  expect(text({ status: "exited", exitCode: 3 })).toBe("Exited (3) 3 minutes ago");
  expect(text({ status: "restarting", exitCode: 1 })).toBe("Restarting (1) 3 minutes ago");
  expect(text({ status: "removing" })).toBe("Removal In Progress");
  expect(text({ status: "dead" })).toBe("Dead");
});
