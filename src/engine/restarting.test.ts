import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { Container } from "./container-store.ts";
import { newState, type ContainerState } from "./container.ts";
import type { HostConfig } from "./container-types.ts";
import { FakeServices } from "./fake-services.ts";
import { cancelRestart, requireNotRestarting, Restarts } from "./restarting.ts";
import { exampleRecord } from "./testing.ts";

const always = { RestartPolicy: { Name: "always", MaximumRetryCount: 0 } };

/** A container that waits for its restart. */
function waiting(fake: FakeServices): Container {
  return fake.container({ status: "restarting", exitCode: 3 }, { host: always }).container;
}

const until = async (check: () => boolean): Promise<void> => {
  while (!check()) await Bun.sleep(1);
};

test("a container is started again after its pause, which doubles", async () => {
  using fake = new FakeServices();
  const container = waiting(fake);
  const started: number[] = [];
  const restarts = new Restarts(fake.services, async () => void started.push(performance.now()));
  await restarts.startAll();
  expect(started).toHaveLength(1);
  restarts.schedule(container, 0);
  const begun = performance.now();
  await until(() => started.length === 2);
  expect((started[1] ?? 0) - begun).toBeGreaterThan(95);
  restarts.schedule(container, 0);
  expect(container.backOff).toBe(200);
  restarts.close();
  await Bun.sleep(250);
  expect(started).toHaveLength(2);
});

test("what waits is cancelled: whoever waits for it hears, nothing starts", async () => {
  using fake = new FakeServices();
  const container = waiting(fake);
  let started = 0;
  const restarts = new Restarts(fake.services, async () => void started++);
  await restarts.startAll();
  restarts.schedule(container, 0);
  expect(() => requireNotRestarting(container)).toThrow("is restarting, wait until the container is running");
  const answers: number[] = [];
  container.exitWaiters.add(({ StatusCode }) => void answers.push(StatusCode));
  expect(cancelRestart(fake.services, container)).toBe(true);
  expect(answers).toEqual([3]);
  expect(container.state).toMatchObject({ status: "exited", manuallyStopped: true });
  expect(cancelRestart(fake.services, container)).toBe(false);
  await Bun.sleep(150);
  expect(started).toBe(1);
});

test("while the engine opens nothing is started; one that fails stays down, and is logged", async () => {
  using fake = new FakeServices();
  const container = waiting(fake);
  const restarts = new Restarts(fake.services, () => Promise.reject(new Error("no port")));
  restarts.schedule(container, 0);
  expect(container.restart).toBeUndefined();
  await restarts.startAll();
  expect(container.state.status).toBe("exited");
  expect(fake.logged.map((line) => messageOf(line))).toEqual([
    `start container ${container.id} again: no port`,
  ]);
});

test("with the engine: who was stopped begins to count anew", async () => {
  using fake = new FakeServices();
  const { container } = fake.container(
    { status: "exited", startedAt: "2026-01-02T03:04:05Z", manuallyStopped: true, restartCount: 7 },
    { host: always },
  );
  const seen: string[] = [];
  await new Restarts(fake.services, async ({ state }) => void seen.push(state.status)).startAll();
  expect(seen).toEqual(["restarting"]);
  expect(container.state.restartCount).toBe(0);
});

/** Adds one of several containers. */
function added(
  fake: FakeServices,
  name: string,
  state: Partial<ContainerState>,
  host: Partial<HostConfig> = {},
): Container {
  const number = fake.services.store.all().length + 1;
  const id = number.toString(16).padStart(64, "0");
  const record = exampleRecord({ host, record: { id, idRange: number << 16 } });
  const container = new Container(record, name, { ...newState(), ...state });
  fake.services.store.add(container);
  return container;
}

test("pauses double from 100 ms to a minute, and begin anew after ten seconds", () => {
  using fake = new FakeServices();
  const container = waiting(fake);
  const restarts = new Restarts(fake.services, async () => undefined);
  const pauses = [1, 9.9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0].map((ran) => {
    restarts.schedule(container, ran);
    return container.backOff;
  });
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 100, 200]);
});

test("with the engine come those that waited, those that always run, and no others", async () => {
  using fake = new FakeServices();
  const policy = (Name: string, MaximumRetryCount = 0): Partial<HostConfig> => ({
    RestartPolicy: { Name, MaximumRetryCount } as HostConfig["RestartPolicy"],
  });
  const ended = { status: "exited", startedAt: "2026-01-02T03:04:05Z" } as const;
  added(fake, "waited", { status: "restarting" });
  added(fake, "always", { ...ended, manuallyStopped: true }, policy("always"));
  added(fake, "stopped", { ...ended, manuallyStopped: true }, policy("unless-stopped"));
  added(fake, "crashed", ended, policy("unless-stopped"));
  added(fake, "failed", { ...ended, exitCode: 1 }, policy("on-failure"));
  added(fake, "fine", { ...ended, exitCode: 0 }, policy("on-failure"));
  added(fake, "enough", { ...ended, exitCode: 1, restartCount: 2 }, policy("on-failure", 2));
  added(fake, "new", {}, policy("always"));
  added(fake, "plain", ended, policy("no"));
  added(fake, "running", { ...ended, status: "running" }, policy("always"));
  const started: string[] = [];
  await new Restarts(fake.services, async ({ name }) => void started.push(name)).startAll();
  expect(started.toSorted()).toEqual(["always", "crashed", "failed", "waited"]);
});

test("whoever joins another is started after all others", async () => {
  using fake = new FakeServices();
  added(fake, "joins", { status: "restarting" }, { NetworkMode: "container:other" });
  added(fake, "pid", { status: "restarting" }, { PidMode: "container:other" });
  for (const name of ["a", "b", "other"]) added(fake, name, { status: "restarting" });
  const ended: string[] = [];
  await new Restarts(fake.services, async ({ name }) => {
    await Bun.sleep(name.startsWith("o") ? 5 : 1);
    ended.push(name);
  }).startAll();
  expect(ended.slice(0, 3).toSorted()).toEqual(["a", "b", "other"]);
  expect(ended.slice(3).toSorted()).toEqual(["joins", "pid"]);
});
