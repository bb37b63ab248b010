import { expect, test } from "bun:test";
import { failure, messageOf } from "../errors/mod.ts";
import { FakeServices } from "./fake-services.ts";
import { HealthMonitors } from "./health-monitor.ts";
import { resumeUpdate, updateContainer } from "./updating.ts";

const monitors = (fake: FakeServices): HealthMonitors =>
  new HealthMonitors(fake.services, () => Promise.reject(new Error("probed")));

test("a running container's cgroup is told once it is written down", async () => {
  using fake = new FakeServices();
  const { container } = fake.container({ status: "running" });
  await updateContainer(fake.services, monitors(fake), container, {}, { CpuShares: 2048 });
  expect(fake.programs).toHaveLength(1);
  expect(fake.programs[0]).toContain("cpu.weight");
  expect(container.record.hostConfig.CpuShares).toBe(2048);
  expect(container.state.updating).toBeUndefined();
  expect(JSON.parse(fake.services.database.containers()[0]?.config ?? "")).toEqual(
    JSON.parse(JSON.stringify(container.record)),
  );
  expect(fake.actions).toEqual(["update"]);
});

test("what the kernel refuses is taken back, there and on disk", async () => {
  using fake = new FakeServices();
  const { container } = fake.container({ status: "running" });
  let refusals = 1;
  fake.answer = () => {
    if (refusals-- > 0) throw failure("internal", { message: "refused" });
    return new Uint8Array(64);
  };
  const body = { Labels: { a: "b" } };
  const changes = { CpuShares: 2048 };
  const problem = await updateContainer(fake.services, monitors(fake), container, body, changes).then(
    () => "",
    messageOf,
  );
  expect(problem).toBe(`Cannot update container ${container.id}: refused`);
  expect(fake.programs).toHaveLength(2);
  expect(container.record.hostConfig.CpuShares).toBe(0);
  expect(container.record.config.Labels).toEqual({});
  expect(container.state.updating).toBeUndefined();
  expect(fake.actions).toEqual([]);
});

test("labels are merged; null removes one", async () => {
  using fake = new FakeServices();
  const { container } = fake.container({}, { config: { Labels: { a: "1", b: "2" } } });
  await updateContainer(fake.services, monitors(fake), container, { Labels: { a: null, c: "3" } }, {});
  expect(container.record.config.Labels).toEqual({ b: "2", c: "3" });
  expect(fake.programs).toEqual([]);
});

test("an engine that was killed in the middle is followed by one that tells the cgroup", async () => {
  using fake = new FakeServices();
  const { container } = fake.container(
    { status: "running", updating: { CpuShares: 0 } },
    { host: { CpuShares: 2048 } },
  );
  await resumeUpdate(fake.services, container);
  expect(fake.programs[0]).toContain("cpu.weight");
  expect(container.state.updating).toBeUndefined();
  expect(container.record.hostConfig.CpuShares).toBe(2048);
});
