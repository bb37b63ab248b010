/**
 * Removing containers: the name and the ids are free at once, what lies on disk follows.
 * @module
 */
import { constants } from "node:os";
import { failure } from "../errors/mod.ts";
import { publishContainer } from "./container-events.ts";
import type { Container } from "./container-store.ts";
import { cancelRestart } from "./restarting.ts";
import { removeFolders } from "./run-traces.ts";
import type { Services } from "./services.ts";
import { killContainer } from "./stopping.ts";

/** Removes a container; with `force` a running one is killed first. Whoever calls holds its lock. */
export async function removeContainer(
  services: Services,
  container: Container,
  options: { readonly force: boolean; readonly volumes: boolean },
): Promise<void> {
  const { store, volumes, log } = services;
  if (store.byId(container.id) !== container) throw failure("no-such-container", { name: container.id });
  if (container.active) {
    const { status } = container.state;
    if (!options.force) {
      const advice =
        status === "paused"
          ? "container is paused and must be unpaused first"
          : `container is ${status}: stop the container before removing or force remove`;
      throw failure("conflict", { message: `cannot remove container "${container.name}": ${advice}` });
    }
    if (!cancelRestart(services, container)) {
      await killContainer(services, container, constants.signals.SIGKILL);
      await container.exited?.promise;
    }
  }
  const anonymous = options.volumes ? anonymousVolumes(container) : [];
  const before = container.state.status;
  container.state.status = "removing";
  try {
    store.delete(container, () => {
      for (const name of anonymous) volumes.condemnAnonymous(name, container.id);
    });
  } catch (error) {
    container.state.status = before;
    throw error;
  }
  publishContainer(services, "destroy", container);
  for (const attach of container.pending) attach.stream.abandon();
  const answer = { StatusCode: container.state.exitCode };
  for (const waiter of [...container.exitWaiters, ...container.removalWaiters]) waiter(answer);
  void removeFolders(services, container);
  // Each is gone for everybody in this turn.
  const removals = anonymous.map((name) =>
    volumes.removeAnonymous(name).catch((error: unknown) => {
      log.error(`remove the volume ${name} of container ${container.id}`, { error });
    }),
  );
  await Promise.all(removals);
}

function anonymousVolumes({ record }: Container): string[] {
  return record.mounts.flatMap(({ anonymous, name }) => (anonymous && name !== undefined ? [name] : []));
}
