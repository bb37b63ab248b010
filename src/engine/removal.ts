/**
 * Removing containers: the name and the ids are free at once, what lies on disk follows.
 * @module
 */
import { killTree, removeTree } from "../cgroup/mod.ts";
import { failure } from "../errors/mod.ts";
import { publishContainer } from "./container-events.ts";
import type { Container } from "./container-store.ts";
import { cgroupOf } from "./runtime-context.ts";
import type { Services } from "./services.ts";
import { killContainer } from "./stopping.ts";

/** Removes a container; with `force` a running one is killed first. Whoever calls holds its lock. */
export async function removeContainer(
  services: Services,
  container: Container,
  options: { readonly force: boolean; readonly volumes: boolean },
): Promise<void> {
  const { store, storage, paths, volumes, log, trash } = services;
  if (store.byId(container.id) !== container) throw failure("no-such-container", { name: container.id });
  if (container.running) {
    if (!options.force) {
      const advice =
        container.state.status === "paused"
          ? "container is paused and must be unpaused first"
          : "container is running: stop the container before removing or force remove";
      throw failure("conflict", { message: `cannot remove container "${container.name}": ${advice}` });
    }
    await killContainer(services, container, "SIGKILL");
    await container.exited?.promise;
  }
  const anonymous = container.record.mounts.filter(({ anonymous: mine, name }) => mine && name !== undefined);
  container.state.status = "removing";
  store.delete(container);
  publishContainer(services, "destroy", container);
  for (const attach of container.pending) attach.stream.abandon();
  const answer = { StatusCode: container.state.exitCode };
  for (const waiter of [...container.exitWaiters, ...container.removalWaiters]) waiter(answer);
  // What fails from here on is swept when the engine starts next: no row names it any more.
  try {
    await Promise.all([
      trash.data.discard(paths.container(container.id)),
      trash.run.discard(paths.bundle(container.id)),
      storage.remove(container.id),
    ]);
    if (options.volumes) {
      for (const { name } of anonymous) if (name !== undefined) await volumes.removeAnonymous(name);
    }
  } catch (error) {
    log.error(`remove what container ${container.id} left`, { error });
  }
}
