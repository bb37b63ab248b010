import { expect, test } from "bun:test";
import { ProgramBuilder } from "../kernel/mod.ts";
import { FakeServices } from "./fake-services.ts";
import { ProbePrograms } from "./probe-programs.ts";

test("a probe is compiled once for each run, and when its container changes", async () => {
  using fake = new FakeServices();
  const { container } = fake.container({ status: "running", startedAt: "2026-01-02T03:04:05Z" });
  let compiled = 0;
  const programs = new ProbePrograms(async () => {
    compiled++;
    return new ProgramBuilder().build();
  });
  const first = await programs.program(container, {});
  expect(await programs.program(container, {})).toBe(first);
  expect(compiled).toBe(1);
  container.state.startedAt = "2026-01-02T03:04:06Z";
  expect(await programs.program(container, {})).not.toBe(first);
  fake.services.store.change(container, { ...container.record });
  await programs.program(container, {});
  expect(compiled).toBe(3);
});
