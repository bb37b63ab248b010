/**
 * What a run of a container leaves: its bundle with the exit record, its cgroup.
 * @module
 */
import { killTree, removeTree } from "../cgroup/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { ProgramBuilder } from "../kernel/mod.ts";
import type { Container } from "./container-store.ts";
import { cgroupOf } from "./runtime-context.ts";
import type { Services } from "./services.ts";

/**
 * Removes them, once what the record says is in the database. Before a container's row goes this must be done: nothing
 * would name its cgroup any more.
 */
export async function removeRunTraces(services: Services, container: Container): Promise<void> {
  const { cgroups, executors, log, paths, store, trash } = services;
  store.flush();
  const cgroup = cgroupOf(services, container.record);
  const b = new ProgramBuilder();
  cgroups.remove(b, cgroup);
  const gone = trash.run.discard(paths.bundle(container.id));
  try {
    await executors.warm().run(b.build(), { doing: "remove the cgroup" });
  } catch (error) {
    // Something is still in it: processes outside of the container's pid namespace, or cgroups that it made itself.
    log.debug(messageOf(error));
    await killTree(cgroup);
    await removeTree(cgroup);
  }
  await gone;
}
