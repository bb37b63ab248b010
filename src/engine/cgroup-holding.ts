/**
 * Cgroups that somebody else makes: systemd makes a scope around a process that exists, and drops it when it is empty.
 * @module
 */
import type { Cgroup } from "../cgroup/mod.ts";
import type { ContainerRecord } from "./container.ts";
import { containerResources } from "./resources.ts";
import type { Services } from "./services.ts";

/**
 * Runs `use`, which puts processes into the container's cgroup, while the cgroup is there. Where programs make cgroups
 * themselves nothing else is done. Where systemd does, an idle executor stays in the scope until the container's own
 * process is in it: nothing of the container ever runs outside of its limits.
 */
export async function whileCgroupIsHeld<T>(
  { cgroups, executors }: Services,
  cgroup: Cgroup,
  { hostConfig }: ContainerRecord,
  use: () => Promise<T>,
): Promise<T> {
  if (cgroups.acquire === undefined) return use();
  const placeholder = executors.session();
  try {
    await cgroups.acquire(cgroup, placeholder.pid, containerResources(hostConfig));
    return await use();
  } finally {
    placeholder.close();
  }
}
