/**
 * A container that stands still while the engine reads it, for `docker commit`: paused, and let go on afterwards, by the
 * next engine if this one is killed.
 * @module
 */
import type { Container } from "./container-store.ts";
import type { Services } from "./services.ts";
import { pauseContainer, thawContainer, unpauseContainer } from "./stopping.ts";

/** Does `work` while the container is paused; one that doesn't run, or is paused already, stays as it is. */
export async function* whileStandingStill<T>(
  services: Services,
  container: Container,
  work: () => AsyncIterable<T>,
): AsyncGenerator<T, void, void> {
  const paused = await container.lock.run(async () => {
    if (container.state.status !== "running") return false;
    remember(services, container, true);
    await pauseContainer(services, container);
    return true;
  });
  try {
    yield* work();
  } finally {
    if (paused) await container.lock.run(() => goOn(services, container));
  }
}

/** Lets a container go on that an earlier engine had stand still. */
export async function endStandstill(services: Services, container: Container): Promise<void> {
  if (container.state.standstill === true) await goOn(services, container);
}

async function goOn(services: Services, container: Container): Promise<void> {
  remember(services, container, undefined);
  // Somebody may have killed it, or let it go on, meanwhile; or it was frozen and nobody could write that down.
  if (container.state.status === "paused") await unpauseContainer(services, container);
  else if (container.running) await thawContainer(services, container);
}

/** Written before it is frozen, so that it never stays so. */
function remember({ store }: Services, container: Container, standstill: true | undefined): void {
  if (standstill === undefined) delete container.state.standstill;
  else container.state.standstill = standstill;
  store.save(container);
  store.flush();
}
