/**
 * What containers leave: of a run its bundle with the exit record and its cgroup, in the end also its own folder.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { killTree, removeTree, type Cgroup } from "../cgroup/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { ProgramBuilder } from "../kernel/mod.ts";
import type { Container } from "./container-store.ts";
import { cgroupOf } from "./runtime-context.ts";
import type { Services } from "./services.ts";

/** Milliseconds after the exit of a container when its traces go, if it isn't removed before. */
const TIDY_DELAY = 100;

/** Milliseconds in which the ends of its execs are heard of. */
const EXECS_PATIENCE = 2000;

/** Removes the traces of a container's run, once what its exit record says is in the database. */
export async function removeRunTraces(services: Services, container: Container): Promise<void> {
  services.store.flush();
  await removeTraces(services, container, []);
}

/** Removes them when there is time for it, unless the container is started again or removed until then. */
export function removeRunTracesSoon(services: Services, container: Container): void {
  setTimeout(() => {
    void container.lock.run(async () => {
      if (container.running || !container.traces) return;
      await removeRunTraces(services, container).catch((error: unknown) => {
        services.log.error(`clean up after container ${container.id}`, { error });
      });
    });
  }, TIDY_DELAY).unref();
}

/**
 * Removes all that lies on disk of a container whose row is gone. Nobody waits for this. What fails is swept when the
 * engine starts next: the bundle goes last, since by it the sweep knows that there may be a cgroup.
 */
export async function removeFolders(services: Services, container: Container): Promise<void> {
  const { log, logs, paths, storage, trash } = services;
  const { id } = container;
  try {
    await logs.farewell(container);
    await Promise.all([
      removeTraces(services, container, [[trash.data, paths.container(id)]]),
      storage.remove(id),
    ]);
  } catch (error) {
    log.error(`remove what container ${id} left`, { error });
  }
}

/** Removes the folders of a container that has got no row. Nobody waits for this; what fails is swept as above. */
export async function removeNameless(services: Services, id: string): Promise<void> {
  const { log, paths, storage, trash } = services;
  try {
    await Promise.all([trash.data.discard(paths.container(id)), storage.remove(id)]);
  } catch (error) {
    log.error(`remove what container ${id} left, which was not made`, { error });
  }
}

/** The bundle is kept until it is on disk how the execs ended that end with their container. */
async function endExecs({ execs }: Container, cgroup: Cgroup): Promise<void> {
  if (execs.size === 0) return;
  await killTree(cgroup);
  await Promise.race([Promise.all(execs), sleep(EXECS_PATIENCE, undefined, { ref: false })]);
}

type Trash = Services["trash"]["run"];

async function removeTraces(
  services: Services,
  container: Container,
  more: readonly (readonly [Trash, string])[],
): Promise<void> {
  const { cgroups, executors, log, paths, trash } = services;
  const { id, record, traces } = container;
  const folders = traces ? [...more, [trash.run, paths.bundle(id)] as const] : more;
  const remove = async (cgroup: Cgroup | undefined): Promise<void> => {
    const b = new ProgramBuilder();
    if (cgroup !== undefined) cgroups.remove(b, cgroup);
    const moves = folders.map(([into, path]) => into.take(b, path));
    const outcome = await executors.warm().run(b.build(), { doing: `clean up after container ${id}` });
    for (const moved of moves) moved(outcome);
  };
  container.traces = false;
  if (!traces) return remove(undefined);
  const cgroup = cgroupOf(services, record);
  await endExecs(container, cgroup);
  try {
    await remove(cgroup);
  } catch (error) {
    // Something is still in it: processes outside of the container's pid namespace, or cgroups that it made itself.
    log.debug(messageOf(error));
    await killTree(cgroup);
    await removeTree(cgroup);
    await remove(undefined);
  }
  await cgroups.release?.(cgroup);
}
