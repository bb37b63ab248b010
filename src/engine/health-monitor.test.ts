import { expect, test } from "bun:test";
import type { Container } from "./container-store.ts";
import { FakeServices } from "./fake-services.ts";
import { HealthMonitors } from "./health-monitor.ts";
import { formatTime, now } from "./time.ts";

const millisecond = 1e6;

/** A container that is probed every 5 ms; `codes` answers its probes. */
function probed(
  fake: FakeServices,
  codes: () => number,
): { container: Container; monitors: HealthMonitors; probes: () => number } {
  const Healthcheck = { Test: ["CMD", "x"], Interval: 5 * millisecond, Retries: 2 };
  const startedAt = formatTime(now());
  const { container } = fake.container({ status: "running", startedAt }, { config: { Healthcheck } });
  let probes = 0;
  const monitors = new HealthMonitors(fake.services, async () => {
    probes++;
    const time = formatTime(now());
    return { Start: time, End: time, ExitCode: codes(), Output: "" };
  });
  return { container, monitors, probes: () => probes };
}

const until = async (check: () => boolean): Promise<void> => {
  while (!check()) await Bun.sleep(1);
};

test("health changes, and each change is told once", async () => {
  using fake = new FakeServices();
  let code = 0;
  const { container, monitors, probes } = probed(fake, () => code);
  monitors.begin(container);
  expect(container.state.health).toEqual({ status: "starting", failingStreak: 0, log: [] });
  await until(() => probes() >= 3);
  expect(container.state.health?.status).toBe("healthy");
  code = 1;
  await until(() => container.state.health?.status === "unhealthy");
  monitors.leave(container);
  expect(fake.actions).toEqual(["health_status: healthy", "health_status: unhealthy"]);
});

test("nobody probes a container that was left; it is unhealthy", async () => {
  using fake = new FakeServices();
  const { container, monitors, probes } = probed(fake, () => 0);
  monitors.begin(container);
  await until(() => container.state.health?.status === "healthy");
  monitors.leave(container);
  const before = probes();
  expect(container.state.health?.status).toBe("unhealthy");
  await Bun.sleep(20);
  expect(probes()).toBe(before);
  monitors.goOn(container);
  await until(() => container.state.health?.status === "healthy");
  monitors.close();
});

test("what an engine's restart interrupted goes on where it was", async () => {
  using fake = new FakeServices();
  const { container, monitors } = probed(fake, () => 1);
  container.state.health = { status: "healthy", failingStreak: 1, log: [] };
  monitors.resume(container);
  await until(() => container.state.health?.status === "unhealthy");
  expect(container.state.health?.failingStreak).toBe(2);
  monitors.close();
});

test("after the clock was set back by a year nobody waits for longer than an interval", async () => {
  using fake = new FakeServices();
  const { container, monitors } = probed(fake, () => 1);
  const End = formatTime(now() + BigInt(365 * 86_400) * 1_000_000_000n);
  const log = [{ Start: End, End, ExitCode: 0, Output: "" }];
  container.state.health = { status: "healthy", failingStreak: 1, log };
  container.state.startedAt = End;
  monitors.resume(container);
  await until(() => container.state.health?.status === "unhealthy");
  monitors.close();
});

test("the start period is over when it is over, whatever the clock says", async () => {
  using fake = new FakeServices();
  const { container, monitors, probes } = probed(fake, () => 1);
  const StartPeriod = 1000 * millisecond;
  Object.assign(container.record.config.Healthcheck ?? {}, { StartPeriod, StartInterval: 5 * millisecond });
  // It started long ago by the clock, a moment ago in truth.
  container.state.startedAt = formatTime(now() - 3_600_000_000_000n);
  container.startedAt = performance.now() + 60_000;
  monitors.begin(container);
  await until(() => probes() >= 4);
  expect(container.state.health).toMatchObject({ status: "starting", failingStreak: 0 });
  // And the other way round.
  container.state.startedAt = formatTime(now() + 3_600_000_000_000n);
  container.startedAt = performance.now() - 2000;
  await until(() => container.state.health?.status === "unhealthy");
  monitors.close();
});

test("without a healthcheck there is no health", () => {
  using fake = new FakeServices();
  const { container } = fake.container({ status: "running" });
  const monitors = new HealthMonitors(fake.services, () => Promise.reject(new Error("probed")));
  monitors.begin(container);
  monitors.resume(container);
  monitors.goOn(container);
  container.state.status = "paused";
  container.state.health = { status: "unhealthy", failingStreak: 0, log: [] };
  monitors.change(container);
  expect(container.state.health).toBeUndefined();
});
