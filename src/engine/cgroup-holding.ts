/**
 * Cgroups that somebody else makes: systemd makes a scope around a process that exists, and drops it when it is empty.
 * @module
 */
import type { Cgroup, LiveResources } from "../cgroup/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { ProgramBuilder } from "../kernel/mod.ts";
import type { ContainerRecord } from "./container.ts";
import { lookAtDevices, namedDevices } from "./host-devices.ts";
import { containerResources } from "./resources.ts";
import type { Services } from "./services.ts";

/**
 * Runs `use`, which puts processes into the container's cgroup, while the cgroup is there. Where programs make cgroups
 * themselves nothing else is done. Where systemd does, an idle executor stays in the scope until the container's own
 * process is in it: nothing of the container ever runs outside of its limits.
 */
export async function whileCgroupIsHeld<T>(
  services: Services,
  cgroup: Cgroup,
  { hostConfig }: ContainerRecord,
  use: () => Promise<T>,
): Promise<T> {
  const { cgroups, executors, hostPaths } = services;
  if (cgroups.acquire === undefined) return use();
  const resources = containerResources(hostConfig, await lookAtDevices(hostPaths, namedDevices(hostConfig)));
  const placeholder = executors.session();
  let result: T;
  try {
    await cgroups.acquire(cgroup, placeholder.pid, resources);
    result = await use();
  } finally {
    placeholder.close();
  }
  if (resources.pids !== undefined) await limitProcesses(services, cgroup, { pids: resources.pids });
  return result;
}

/** Takes the placeholder's room away. The container may have ended meanwhile, and its scope with it. */
async function limitProcesses(
  { cgroups, executors, log }: Services,
  cgroup: Cgroup,
  resources: LiveResources,
): Promise<void> {
  const b = new ProgramBuilder();
  cgroups.update(b, cgroup, resources);
  try {
    await executors.warm().run(b.build(), { doing: "limit the container's processes" });
    await cgroups.amend?.(cgroup, resources);
  } catch (error) {
    log.debug(messageOf(error));
  }
}
