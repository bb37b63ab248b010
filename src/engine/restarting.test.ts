import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import type { Container } from "./container-store.ts";
import { FakeServices } from "./fake-services.ts";
import { cancelRestart, requireNotRestarting, Restarts } from "./restarting.ts";

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
