/**
 * Probes running containers whose health is to be checked, and says what came of it: in their state, as events.
 * @module
 */
import { publishContainer } from "./container-events.ts";
import type { Container } from "./container-store.ts";
import {
  endedHealth,
  freshHealth,
  judge,
  probeCommand,
  probeInterval,
  probeTimeout,
  type ProbeResult,
} from "./healthcheck.ts";
import type { Services } from "./services.ts";
import { now, parseTime } from "./time.ts";

/** Runs one probe: `command` in the container, for `timeout` nanoseconds at most or until `signal` fires. */
export type RunProbe = (
  container: Container,
  command: readonly string[],
  limits: { readonly timeout: number; readonly signal: AbortSignal },
) => Promise<ProbeResult>;

/** Milliseconds among which probes that an engine's restart made late are spread. */
const SPREAD = 1000;
const LONGEST_TIMER = 2 ** 31 - 1;

/** The monitors of all containers; at most one for each. */
export class HealthMonitors {
  readonly #services: Services;
  readonly #probe: RunProbe;
  /** What ends the monitor of a container. */
  readonly #monitors = new Map<Container, AbortController>();

  constructor(services: Services, probe: RunProbe) {
    this.#services = services;
    this.#probe = probe;
  }

  /** A container was started: its health begins anew. */
  begin(container: Container): void {
    this.#end(container);
    const { state, record } = container;
    if (probeCommand(record.config) === undefined) {
      delete state.health;
      return;
    }
    state.health = freshHealth(state.health);
    void this.#watch(container, this.#interval(container));
  }

  /** A container has another healthcheck, or none any more. */
  change(container: Container): void {
    const { state, record } = container;
    if (state.status === "running") this.begin(container);
    else if (probeCommand(record.config) === undefined) delete state.health;
  }

  /** A container goes on after a pause. */
  goOn(container: Container): void {
    this.#end(container);
    if (probeCommand(container.record.config) !== undefined)
      void this.#watch(container, this.#interval(container));
  }

  /** A running container was found again: its health goes on where it was. */
  resume(container: Container): void {
    this.#end(container);
    const { state, record } = container;
    if (probeCommand(record.config) === undefined || state.status !== "running") return;
    state.health ??= freshHealth(undefined);
    const last = state.health.log.at(-1)?.End;
    const since = parseTime(last ?? state.startedAt);
    const interval = this.#interval(container);
    // The clock may have been set back since: nobody waits for longer than an interval.
    const due = Math.min(interval, interval - Number(now() - since) / 1e6);
    void this.#watch(container, due > 0 ? due : Math.random() * Math.min(SPREAD, interval));
  }

  /** A container has ended or is paused: nobody probes it. */
  leave(container: Container): void {
    if (!this.#end(container)) return;
    const { state } = container;
    if (state.health !== undefined) state.health = endedHealth(state.health);
    this.#services.store.save(container);
  }

  /** Ends all monitors; what containers' health is stays as it was. */
  close(): void {
    for (const container of this.#monitors.keys()) this.#end(container);
  }

  #end(container: Container): boolean {
    const monitor = this.#monitors.get(container);
    this.#monitors.delete(container);
    monitor?.abort();
    return monitor !== undefined;
  }

  /** Milliseconds. */
  #interval(container: Container): number {
    const { state, record } = container;
    const { Healthcheck: check = {} } = record.config;
    return probeInterval(check, state.health ?? freshHealth(undefined), running(container)) / 1e6;
  }

  async #watch(container: Container, first: number): Promise<void> {
    const monitor = new AbortController();
    const { signal } = monitor;
    this.#monitors.set(container, monitor);
    for (let pause = first; await this.#elapses(pause, signal); pause = this.#interval(container)) {
      const { config } = container.record;
      const command = probeCommand(config) ?? [];
      const timeout = probeTimeout(config.Healthcheck ?? {});
      const ran = running(container);
      const result = await this.#probe(container, command, { timeout, signal });
      if (signal.aborted) return;
      this.#conclude(container, ran, result);
    }
  }

  /** Waits; false if it was ended meanwhile. */
  async #elapses(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(true), Math.min(milliseconds, LONGEST_TIMER));
    timer.unref();
    const stop = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    signal.addEventListener("abort", stop, { once: true });
    const result = await promise;
    signal.removeEventListener("abort", stop);
    return result;
  }

  #conclude(container: Container, ran: number, result: ProbeResult): void {
    const { state, record } = container;
    const before = state.health ?? freshHealth(undefined);
    const after = judge(before, record.config.Healthcheck ?? {}, ran, result);
    state.health = after;
    this.#services.store.save(container);
    if (after.status !== before.status) {
      // Whoever has heard of it shall not hear otherwise from the next engine.
      this.#services.store.flush();
      publishContainer(this.#services, `health_status: ${after.status}`, container);
    }
  }
}

/** Nanoseconds that a container has run for. */
function running({ startedAt }: Container): number {
  return startedAt === undefined ? 0 : (performance.now() - startedAt) * 1e6;
}
