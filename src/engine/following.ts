/**
 * Following the shims of running containers: hearing of exits, and what is done about a line that broke or a shim that
 * can't be understood.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ShimConnection, type ShimState } from "../kernel/mod.ts";
import type { Container } from "./container-store.ts";
import { type ExitRecord, readExitRecord } from "./exit-record.ts";
import type { HealthMonitors } from "./health-monitor.ts";
import type { Services } from "./services.ts";
import { isStrange, lookAtShim, type StrangeShim } from "./shim-look.ts";
import { formatTime, now } from "./time.ts";

/** Milliseconds until a shim that can't be followed is looked at again. */
const LOOK_AGAIN = 1000;

/** Who is told of what a container's process does. */
export interface Followed {
  /** It runs, with the pid `pid` (0: unknown), since `started` (nanoseconds since the epoch). */
  entered(container: Container, pid: number, started: bigint): void;
  exited(container: Container, exit: ExitRecord): Promise<void>;
}

/** The engine's lines to the shims of containers that run. */
export class Following {
  readonly #services: Services;
  readonly #health: HealthMonitors;
  readonly #told: Followed;
  /** Whose shims can't be followed. */
  readonly #strange = new Set<Container>();
  readonly #pause: number;
  #closed = false;

  /** @param pause milliseconds until a shim that can't be followed is looked at again */
  constructor(services: Services, health: HealthMonitors, told: Followed, pause: number = LOOK_AGAIN) {
    this.#pause = pause;
    this.#services = services;
    this.#health = health;
    this.#told = told;
  }

  /** Looks at nothing any more. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Follows a shim by its socket: one that an earlier engine started, or whose line broke. A shim that is gone itself left
   * its record.
   */
  async follow(container: Container): Promise<void> {
    const { paths } = this.#services;
    try {
      const line = await ShimConnection.open(
        paths.socket(paths.bundle(container.id)),
        (state) => this.#hear(container, state),
        () => void this.#lost(container),
        (strange) => this.keep(container, { strange }),
      );
      // An order may have opened one meanwhile.
      container.shim?.close();
      container.shim = line;
    } catch {
      // Not awaited: whoever starts a container holds its lock, which cleaning up after the exit takes.
      void this.#lost(container);
    }
  }

  #hear(container: Container, state: ShimState): void {
    if (state.phase !== "exited") return;
    void this.#told.exited(container, { code: state.code, signal: state.signal, finished: state.finished });
  }

  /** The line broke before the shim told of an exit: it exited in between, or somebody killed the shim, or it goes on. */
  async #lost(container: Container): Promise<void> {
    const { paths } = this.#services;
    const folder = paths.bundle(container.id);
    const record = readExitRecord(folder);
    const shim = record === undefined ? await lookAtShim(folder, paths.socket(folder)) : "gone";
    if (!container.running) return;
    if (isStrange(shim)) this.keep(container, shim);
    else if (shim !== "gone" && shim.phase !== "exited") await this.follow(container);
    else {
      const killed = { code: 137, signal: 9, finished: now(), error: "the container's shim was killed" };
      await this.#told.exited(
        container,
        record ?? readExitRecord(folder) ?? (shim === "gone" ? killed : shim),
      );
    }
  }

  /**
   * A container whose shim can't be followed, since another build started it or since it hangs, stays as it is: everybody is
   * told, and it is looked at again and again.
   */
  keep(container: Container, { strange }: StrangeShim): void {
    const { store, log } = this.#services;
    if (!container.running) this.#told.entered(container, 0, now());
    container.exited ??= Promise.withResolvers();
    container.state.error = `the container runs, but its shim can't be followed: ${strange}`;
    store.save(container);
    if (this.#strange.has(container)) return;
    this.#strange.add(container);
    log.error(`container ${container.id}: ${container.state.error}; it is left alone, and looked at again`);
    void this.#lookAgain(container).finally(() => this.#strange.delete(container));
  }

  async #lookAgain(container: Container): Promise<void> {
    const { paths, store, log } = this.#services;
    const { state, exited, id } = container;
    const folder = paths.bundle(id);
    const stays = (): boolean => !this.#closed && container.exited === exited && store.byId(id) === container;
    for (;;) {
      await sleep(this.#pause, undefined, { ref: false });
      if (!stays()) return;
      const record = readExitRecord(folder);
      const shim = record === undefined ? await lookAtShim(folder, paths.socket(folder)) : "gone";
      if (isStrange(shim) || !stays()) continue;
      if (shim === "gone" || shim.phase === "exited") return this.#lost(container);
      log.info(`container ${id}: its shim can be followed again`);
      state.error = "";
      state.pid = shim.pid;
      state.startedAt = formatTime(shim.started);
      store.save(container);
      this.#health.resume(container);
      return this.follow(container);
    }
  }
}
