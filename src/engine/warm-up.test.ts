import { expect, test } from "bun:test";
import { cgroupDriver, detectCgroups } from "../cgroup/mod.ts";
import { debian9 } from "../cgroup/fake-host.ts";
import { gatherHostFacts } from "./host-facts.ts";
import { SeccompFilters } from "./seccomp.ts";
import { defaults } from "./testing.ts";
import { warmUp } from "./warm-up.ts";

const parts = {
  defaults,
  seccomp: new SeccompFilters("unconfined", gatherHostFacts()),
  cgroups: cgroupDriver("cgroupfs", detectCgroups(debian9)),
};

test("it stops when somebody wants something", async () => {
  let asked = 0;
  await warmUp({ ...parts, busy: () => ++asked > 1 });
  expect(asked).toBe(2);
});

test("else it comes to its end, with turns of the event loop between", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await warmUp({ ...parts, busy: () => false });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});
