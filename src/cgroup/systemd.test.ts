import { expect, test } from "bun:test";
import { ProgramBuilder, printProgram } from "../kernel/mod.ts";
import { BusConnection, isBusError } from "./dbus-connection.ts";
import type { BusMessage } from "./dbus-wire.ts";
import { detectCgroups } from "./detect.ts";
import { startFakeBus, type FakeAnswer, type FakeSignal } from "./fake-bus.ts";
import { debian9, unified } from "./fake-host.ts";
import { cgroupPaths } from "./location.ts";
import { cgroupDriver } from "./mod.ts";
import { SystemdUnits } from "./systemd-units.ts";
import { SystemdDriver } from "./systemd.ts";

const host = detectCgroups(unified);
const object = { path: "/", interface: "a.b" };
const NOWHERE = "/nonexistent/socket";

function removed(job: string, result: string): FakeSignal {
  return { member: "JobRemoved", signature: "uoss", body: [1, job, "docker-c1.scope", result] };
}

/** A job's reply; another job ends before it, this one afterwards. */
function job(result: string): FakeAnswer {
  return {
    signature: "o",
    body: ["/job/2"],
    before: [removed("/job/1", "failed")],
    after: [removed("/job/2", result)],
  };
}

function driverOn(direct: string, bus = NOWHERE): SystemdDriver {
  return new SystemdDriver(host, new SystemdUnits({ direct, bus }));
}

test("a scope is started around the process, with every limit that systemd has a property for", async () => {
  await using bus = await startFakeBus(() => job("done"));
  const driver = driverOn(bus.path);
  await driver.acquire(driver.locate("a-b.slice", "c1"), 42, {
    memory: { limit: 1000, swap: 3000, reservation: 500 },
    cpu: { shares: 1024, quota: 15_000, period: 100_000, cpus: "0-1,9", mems: "0" },
    pids: { limit: -1 },
    blockIO: { weight: 1000 },
  });
  expect(bus.greetings).toEqual([
    `\0AUTH EXTERNAL ${Buffer.from(String(process.geteuid?.())).toString("hex")}`,
    "BEGIN",
  ]);
  expect(bus.calls).toMatchSnapshot();
});

test("a result that comes before the job's name is known counts too", async () => {
  await using bus = await startFakeBus(() => ({
    signature: "o",
    body: ["/job/2"],
    before: [removed("/job/2", "done")],
  }));
  const driver = driverOn(bus.path);
  await driver.acquire(driver.locate("system.slice", "c1"), 42, {});
  expect(bus.calls).toHaveLength(1);
});

test("a job that fails is an error", async () => {
  await using bus = await startFakeBus(() => job("failed"));
  const driver = driverOn(bus.path);
  const started = driver.acquire(driver.locate("system.slice", "c1"), 42, {});
  expect(await started.catch(String)).toContain("the job of docker-c1.scope ended with failed");
});

test("a failed scope of that name is reset, once", async () => {
  let exists = true;
  await using bus = await startFakeBus(({ member }: BusMessage) => {
    if (member === "ResetFailedUnit") {
      exists = false;
      return {};
    }
    return exists ? { error: "org.freedesktop.systemd1.UnitExists" } : job("done");
  });
  const driver = driverOn(bus.path);
  await driver.acquire(driver.locate("system.slice", "c1"), 42, {});
  expect(bus.calls.map(({ member }) => member)).toEqual([
    "StartTransientUnit",
    "ResetFailedUnit",
    "StartTransientUnit",
  ]);
});

test("without systemd's own socket the bus is used, by its rules", async () => {
  await using bus = await startFakeBus(({ member }) => (member === "StopUnit" ? job("done") : {}));
  const driver = driverOn(NOWHERE, bus.path);
  await driver.release(driver.locate("system.slice", "c1"));
  expect(bus.calls.map(({ destination, member }) => [destination, member])).toEqual([
    ["org.freedesktop.DBus", "Hello"],
    ["org.freedesktop.DBus", "AddMatch"],
    ["org.freedesktop.systemd1", "Subscribe"],
    ["org.freedesktop.systemd1", "StopUnit"],
  ]);
});

test("releasing what systemd has forgotten already is fine", async () => {
  await using bus = await startFakeBus(() => ({ error: "org.freedesktop.systemd1.NoSuchUnit" }));
  const driver = driverOn(bus.path);
  await driver.release(driver.locate("system.slice", "c1"));
  expect(bus.calls).toHaveLength(1);
});

test("systemd hears of changed limits; of nothing if it has no property for them", async () => {
  await using bus = await startFakeBus(() => ({}));
  const driver = driverOn(bus.path);
  const cgroup = driver.locate("system.slice", "c1");
  await driver.amend(cgroup, { unified: { "memory.high": "1" } });
  await driver.amend(cgroup, { memory: { limit: -1 }, cpu: { quota: -1, idle: 1 } });
  expect(bus.calls.map(({ body }) => body)).toEqual([
    [
      "docker-c1.scope",
      true,
      [
        ["MemoryMax", { signature: "t", value: 2n ** 64n - 1n }],
        ["MemorySwapMax", { signature: "t", value: 2n ** 64n - 1n }],
        ["CPUWeight", { signature: "t", value: 0n }],
        ["CPUQuotaPerSecUSec", { signature: "t", value: 2n ** 64n - 1n }],
      ],
    ],
  ]);
});

test("a lost connection fails the calls that wait, and the next call connects again", async () => {
  let answers = false;
  await using bus = await startFakeBus(() => (answers ? {} : undefined));
  const driver = driverOn(bus.path);
  const cgroup = driver.locate("system.slice", "c1");
  const first = driver.amend(cgroup, { pids: { limit: 1 } }).catch(String);
  while (bus.calls.length === 0) await Bun.sleep(1);
  bus.disconnect();
  expect(await first).toContain("systemd: SetUnitProperties: the connection ended");
  answers = true;
  await driver.amend(cgroup, { pids: { limit: 1 } });
  expect(bus.calls).toHaveLength(2);
});

test("refusals have their name, and a socket that isn't there or rejects us is said", async () => {
  await using bus = await startFakeBus(() => ({ error: "a.b.No" }));
  const connection = await BusConnection.open(bus.path);
  const error: unknown = await connection.call(object, "Do").catch((reason: unknown) => reason);
  expect([String(error), isBusError(error, "a.b.No"), isBusError(error, "a.b.Other")]).toEqual([
    "CaissonError: systemd: Do: it failed",
    true,
    false,
  ]);
  connection.close();
  expect(await connection.call(object, "Do").catch(String)).toContain("the connection was closed");
  expect(await BusConnection.open(NOWHERE).catch(String)).toContain(`connect to systemd at ${NOWHERE}`);
  await using stranger = await startFakeBus(() => ({}), "REJECTED EXTERNAL");
  expect(await BusConnection.open(stranger.path).catch(String)).toContain("authentication failed: REJECTED");
});

test("paths: scopes in slices, and slices in slices by their names", () => {
  const driver = driverOn(NOWHERE);
  const path = (slice: string): string | undefined => cgroupPaths(driver.locate(slice, "c1")).get("");
  expect(path(driver.defaultParent)).toBe("/sys/fs/cgroup/system.slice/docker-c1.scope");
  expect(path("a-b.slice")).toBe("/sys/fs/cgroup/a.slice/a-b.slice/docker-c1.scope");
  expect(path("-.slice")).toBe("/sys/fs/cgroup/docker-c1.scope");
  for (const bad of ["/docker", "x", "a--b.slice", "-a.slice", "a/b.slice", ".slice"]) {
    expect(() => path(bad)).toThrow('should be a valid slice named as "xxx.slice"');
  }
});

test("its program makes nothing: it limits what systemd has made, with room for the process that holds it", () => {
  const driver = driverOn(NOWHERE);
  const b = new ProgramBuilder();
  driver.prepareParent();
  driver.create(b, driver.locate("system.slice", "c1"), { pids: { limit: 5 } });
  expect(printProgram(b.build())).not.toContain("mkdir");
  expect(printProgram(b.build())).toContain('"pids.max", "6"');
});

test("on version 1 the driver is refused with a clear error", () => {
  expect(() => cgroupDriver("systemd", detectCgroups(debian9))).toThrow(
    "the cgroup driver systemd on cgroup version 1 is not supported",
  );
  expect(cgroupDriver("systemd", host).name).toBe("systemd");
});
