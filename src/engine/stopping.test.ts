import { afterEach, beforeEach, expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { exit, FakeServices } from "./fake-services.ts";
import { killContainer, pauseContainer, stopContainer, unpauseContainer } from "./stopping.ts";

let fake: FakeServices;
beforeEach(() => {
  fake = new FakeServices();
});
afterEach(() => fake[Symbol.dispose]());

const problem = (work: Promise<unknown>): Promise<string> => work.then(() => "", messageOf);

test("stop: the container's own signal, and no more if it ends in time", async () => {
  const { container, signals } = fake.container({ status: "running" }, { config: { StopSignal: "SIGQUIT" } });
  const stopped = stopContainer(fake.services, container, {});
  setTimeout(() => exit(container), 1);
  expect(await stopped).toBe(true);
  expect(signals).toEqual([3]);
  expect(container.state.manuallyStopped).toBe(true);
  expect(fake.actions).toEqual(["kill signal=3", "stop"]);
});

test("stop: what is asked for wins; one that doesn't end in time is killed", async () => {
  const { container, signals } = fake.container({ status: "running" }, { config: { StopTimeout: 60 } });
  const stopped = stopContainer(fake.services, container, { signal: "SIGINT", timeout: 0.005 });
  setTimeout(() => exit(container), 20);
  expect(await stopped).toBe(true);
  expect(signals).toEqual([2, 9]);
  expect(fake.actions).toEqual(["kill signal=2", "kill signal=9", "stop"]);
});

test("stop: without a limit it is never killed", async () => {
  const { container, signals } = fake.container({ status: "running" });
  const stopped = stopContainer(fake.services, container, { timeout: -1 });
  setTimeout(() => exit(container), 10);
  await stopped;
  expect(signals).toEqual([15]);
});

test("stop: a paused container is let go on after its signal", async () => {
  const { container } = fake.container({ status: "paused" });
  const stopped = stopContainer(fake.services, container, {});
  setTimeout(() => exit(container), 1);
  await stopped;
  expect(fake.programs).toHaveLength(1);
  expect(fake.programs[0]).toContain("cgroup.freeze");
});

test("stop: one that doesn't run is left alone; a signal must be one where it would be sent", async () => {
  const { container } = fake.container({ status: "exited" });
  expect(await stopContainer(fake.services, container, { signal: "SIGFOO" })).toBe(false);
  container.state.status = "running";
  expect(await problem(stopContainer(fake.services, container, { signal: "SIGFOO" }))).toContain("SIGFOO");
  expect(fake.actions).toEqual([]);
});

test("kill: only SIGKILL waits for the end; what says to end holds restarts off, and SIGHUP doesn't", async () => {
  const { container, signals } = fake.container({ status: "running" });
  await killContainer(fake.services, container, 1);
  expect(container.state.manuallyStopped).toBe(false);
  await killContainer(fake.services, container, 15);
  expect(container.state.manuallyStopped).toBe(true);
  container.state.manuallyStopped = false;
  const killed = killContainer(fake.services, container, 9);
  const early = await Promise.race([killed.then(() => "done"), Bun.sleep(2).then(() => "waits")]);
  expect(early).toBe("waits");
  exit(container);
  await killed;
  expect(signals).toEqual([1, 15, 9]);
  expect(container.state.manuallyStopped).toBe(true);
});

test("kill: what doesn't run can't be killed", async () => {
  const { container } = fake.container({ status: "exited" });
  expect(await problem(killContainer(fake.services, container, 9))).toContain("is not running");
});

test("pause: tried until the kernel says that all is frozen, and kept", async () => {
  const { container } = fake.container({ status: "running" });
  fake.answer = () =>
    new TextEncoder().encode(`populated 1\nfrozen ${fake.programs.length < 3 ? 0 : 1}\n`.padEnd(64, "\0"));
  await pauseContainer(fake.services, container);
  expect(fake.programs).toHaveLength(3);
  expect(container.state.status).toBe("paused");
  expect(fake.actions).toEqual(["pause"]);
  expect(await problem(pauseContainer(fake.services, container))).toContain("is already paused");
  await unpauseContainer(fake.services, container);
  expect(container.state.status).toBe("running");
  expect(await problem(unpauseContainer(fake.services, container))).toContain("is not paused");
});

test("pause: what fails in the kernel leaves it running", async () => {
  const { container } = fake.container({ status: "running" });
  fake.answer = () => {
    throw new TypeError("no cgroup");
  };
  expect(await problem(pauseContainer(fake.services, container))).toBe("no cgroup");
  expect(container.state.status).toBe("running");
  expect(fake.actions).toEqual([]);
});
