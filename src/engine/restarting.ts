/**
 * Containers that are started again: after a while, when they have ended; at once, when the engine starts.
 * @module
 */
import { failure, messageOf } from "../errors/mod.ts";
import type { Container } from "./container-store.ts";
import { backOff, restartsWithEngine } from "./restart-policy.ts";
import type { Services } from "./services.ts";

/** How many are started at once when the engine starts. */
const AT_ONCE = 8;

/** Throws Docker's error for what can't be done while a container waits for its restart. */
export function requireNotRestarting({ id, state }: Container): void {
  if (state.status !== "restarting") return;
  const message = `Container ${id} is restarting, wait until the container is running`;
  throw failure("conflict", { message });
}

/**
 * Has a container that waits for its restart not be started again; false if it doesn't wait. Whoever calls holds its lock:
 * else the restart may have begun.
 */
export function cancelRestart({ store }: Services, container: Container): boolean {
  const { state } = container;
  if (state.status !== "restarting") return false;
  clearTimeout(container.restart);
  container.restart = undefined;
  state.status = "exited";
  state.manuallyStopped = true;
  store.save(container);
  store.flush();
  for (const waiter of container.exitWaiters) waiter({ StatusCode: state.exitCode });
  container.exitWaiters.clear();
  return true;
}

/** Starts containers again that have the status `restarting`. */
export class Restarts {
  readonly #services: Services;
  readonly #start: (container: Container) => Promise<void>;
  #state: "opening" | "open" | "closed" = "opening";

  /** `start` is called with the container's lock held. */
  constructor(services: Services, start: (container: Container) => Promise<void>) {
    this.#services = services;
    this.#start = start;
  }

  /** Starts a container again that ran for `ran` seconds; while the engine is opening, {@link startAll} does. */
  schedule(container: Container, ran: number): void {
    container.backOff = backOff(container.backOff, ran);
    if (this.#state === "open")
      container.restart = setTimeout(() => void this.#again(container), container.backOff);
  }

  /** Starts all that were to be started again when the engine ended, or ended without it, or always run with it. */
  async startAll(): Promise<void> {
    const { store } = this.#services;
    this.#state = "open";
    const waiting = store
      .all()
      .filter(
        ({ running, record, state }) =>
          !running && restartsWithEngine(record.hostConfig.RestartPolicy, state),
      );
    for (const { state } of waiting) {
      if (state.status !== "restarting") state.restartCount = 0;
      state.status = "restarting";
    }
    const joins = ({ record: { hostConfig: host } }: Container): boolean =>
      [host.NetworkMode, host.PidMode, host.IpcMode].some((mode) => mode.startsWith("container:"));
    // Whoever joins another needs it to run.
    await this.#startEach(waiting.filter((container) => !joins(container)));
    await this.#startEach(waiting.filter(joins));
  }

  async #startEach(containers: Container[]): Promise<void> {
    const queue = containers.values();
    const work = async (): Promise<void> => {
      for (const container of queue) await this.#again(container);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async #again(container: Container): Promise<void> {
    const { store, log } = this.#services;
    const { state } = container;
    container.restart = undefined;
    await container.lock.run(async () => {
      if (this.#state === "closed") return;
      if (state.status !== "restarting" || store.byId(container.id) !== container) return;
      try {
        await this.#start(container);
      } catch (error) {
        // As in Docker: what can't be started isn't tried again until the engine starts.
        state.status = "exited";
        store.save(container);
        log.error(`start container ${container.id} again: ${messageOf(error)}`, { error });
      }
    });
  }

  /** Nothing is started any more; what waits is started by the next engine. */
  close(): void {
    this.#state = "closed";
    for (const { restart } of this.#services.store.all()) clearTimeout(restart);
  }
}
