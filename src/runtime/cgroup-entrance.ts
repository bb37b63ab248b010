/**
 * The way of a container's processes into its cgroup: born there or entering it first thing, so that nothing of them is
 * ever outside of its limits.
 * @module
 */
import type { Cgroup, CgroupDriver, CreatedCgroup } from "../cgroup/mod.ts";
import type { ProgramBuilder, Slot } from "../kernel/mod.ts";

/** An open entrance. */
export interface CgroupEntrance {
  /** For the clone whose child enters. */
  readonly slot: Slot | undefined;
  /** Adds, first in the child, the entering. */
  enter(b: ProgramBuilder): void;
  /** Adds, in the parent, the closing. */
  close(b: ProgramBuilder): void;
}

/** Opens the entrance of a cgroup that exists. */
export function openEntrance(
  b: ProgramBuilder,
  driver: CgroupDriver,
  cgroup: Cgroup | CreatedCgroup,
): CgroupEntrance {
  const entrance = driver.openEntrance(b, cgroup);
  return {
    slot: entrance.slot,
    enter: (body) => {
      driver.enter(body, entrance);
      driver.closeEntrance(body, entrance);
    },
    close: (body) => driver.closeEntrance(body, entrance),
  };
}
