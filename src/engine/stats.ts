/**
 * What running containers use, told once a second to whoever watches. However many watch a container, it is looked at
 * once: one clock for all, files that stay open, one text for all readers.
 * @module
 */
import { KernelFiles, readStats } from "../cgroup/mod.ts";
import type { Container } from "./container-store.ts";
import { cgroupOf } from "./runtime-context.ts";
import type { Services } from "./services.ts";
import { parseHostCpu, parseInterfaces, type HostCpu, type InterfaceCounters } from "./stats-host.ts";
import { emptySample, sampleOf, statsLine, type StatsSample } from "./stats-json.ts";
import { formatTime, now } from "./time.ts";

/** Milliseconds between two looks. */
const INTERVAL = 1000;
/** So many containers are looked at before others have their turn: a few milliseconds. */
const BATCH = 64;

/** A container that is watched. */
interface Watched {
  readonly container: Container;
  readonly files: KernelFiles;
  /** Which run `files` are of. */
  run: string;
  readonly watchers: Set<Watcher>;
}

/** The statistics of an engine's containers. */
export class StatsCollector {
  readonly #services: Services;
  readonly #watched = new Map<Container, Watched>();
  readonly #host = new KernelFiles();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(services: Services) {
    this.#services = services;
  }

  /** One look, now, without what came before: Docker's `one-shot`. */
  once(container: Container): string {
    using files = new KernelFiles();
    using host = new KernelFiles();
    return statsLine(this.#look(container, files, hostCpu(host)), undefined);
  }

  /**
   * A line for each second until the container is removed or `signal` fires. Who reads slowly misses lines. Of a container
   * that doesn't run a line says so, with zeros.
   */
  watch(container: Container, signal: AbortSignal): AsyncIterableIterator<string> {
    const watched = this.#watched.get(container) ?? {
      container,
      files: new KernelFiles(),
      run: "",
      watchers: new Set<Watcher>(),
    };
    this.#watched.set(container, watched);
    const leave = (): void => {
      container.removalWaiters.delete(close);
      watched.watchers.delete(watcher);
      if (watched.watchers.size > 0) return;
      watched.files.close();
      this.#watched.delete(container);
    };
    const watcher = new Watcher(container, signal, leave);
    const close = (): void => watcher.close();
    watched.watchers.add(watcher);
    container.removalWaiters.add(close);
    // Whoever is the first need not wait for the clock.
    if (this.#timer === undefined && !this.#looking) this.#timer = setTimeout(() => void this.#tick(), 0);
    return watcher;
  }

  async #tick(): Promise<void> {
    this.#timer = undefined;
    this.#looking = true;
    const began = performance.now();
    try {
      const host = hostCpu(this.#host);
      let count = 0;
      for (const watched of this.#watched.values()) {
        if (++count % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
        if (watched.watchers.size === 0) continue;
        const { container, files } = watched;
        if (watched.run !== container.state.startedAt || !container.running) {
          files.close();
          watched.run = container.state.startedAt;
        }
        const sample = this.#look(container, files, host);
        for (const watcher of watched.watchers) watcher.offer(sample);
      }
    } finally {
      this.#looking = false;
    }
    if (this.#watched.size === 0) return this.#host.close();
    const left = Math.max(1, INTERVAL - (performance.now() - began));
    this.#timer = setTimeout(() => void this.#tick(), left);
    this.#timer.unref();
  }

  #look(container: Container, files: KernelFiles, host: HostCpu): StatsSample {
    if (!container.running) return emptySample;
    const { cgroups, facts } = this.#services;
    const stats = readStats(
      cgroupOf(this.#services, container.record),
      (path) => files.read(path),
      (path) => files.readRarely(path),
    );
    // Its cgroup goes before its exit is recorded.
    if (stats.cpu === undefined && stats.memory === undefined) return emptySample;
    const interfaces = this.#interfaces(container, files);
    return sampleOf(formatTime(now()), cgroups.version, stats, host, facts.memory, interfaces);
  }

  /** What the engine gave it to be on its networks, under the names that it has inside. */
  #interfaces(container: Container, files: KernelFiles): ReadonlyMap<string, InterfaceCounters> {
    const { networks, store } = this.#services;
    const { NetworkMode: mode } = container.record.hostConfig;
    const owner = mode.startsWith("container:") ? ownerOf(store, mode) : container;
    const endpoints = owner === undefined ? [] : networks.store.endpointsOf(owner.id);
    if (endpoints.length === 0) return new Map();
    const text = files.read(`/proc/${container.state.pid}/net/dev`) ?? "";
    return parseInterfaces(
      text,
      endpoints.map((endpoint) => endpoint.interface),
    );
  }
}

/** `GET /containers/{id}/stats`: see {@link Containers.stats}. */
export async function* containerStats(
  collector: StatsCollector,
  container: Container,
  { stream, oneShot, signal }: { stream: boolean; oneShot: boolean; signal: AbortSignal },
): AsyncGenerator<string, void, void> {
  if (!stream && !container.running) return yield statsLine(emptySample, undefined, container);
  if (oneShot) return yield collector.once(container);
  let primed = stream;
  for await (const line of collector.watch(container, signal)) {
    // The first has no counters to compare with.
    if (primed) yield line;
    if (primed && !stream) return;
    primed = true;
  }
}

function ownerOf(store: Services["store"], mode: string): Container | undefined {
  const name = mode.slice("container:".length);
  return store.byId(name) ?? store.byName(name);
}

function hostCpu(files: KernelFiles): HostCpu {
  return parseHostCpu(files.read("/proc/stat") ?? "");
}

/** One reader: at most one line waits for it, the newest. */
class Watcher implements AsyncIterableIterator<string> {
  readonly #container: Container;
  readonly #signal: AbortSignal;
  readonly #leave: () => void;
  #before: StatsSample | undefined;
  #newest: StatsSample | undefined;
  #waiting: ((result: IteratorResult<string>) => void) | undefined;
  #closed = false;
  readonly #abort = (): void => {
    this.#newest = undefined;
    this.close();
  };

  constructor(container: Container, signal: AbortSignal, leave: () => void) {
    this.#container = container;
    this.#signal = signal;
    this.#leave = leave;
    signal.addEventListener("abort", this.#abort, { once: true });
    if (signal.aborted) queueMicrotask(this.#abort);
  }

  offer(sample: StatsSample): void {
    this.#newest = sample;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    waiting(this.#take(sample));
  }

  #take(sample: StatsSample): IteratorResult<string> {
    const value = statsLine(sample, this.#before, this.#container);
    this.#before = sample;
    this.#newest = undefined;
    return { done: false, value };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal.removeEventListener("abort", this.#abort);
    this.#leave();
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  next(): Promise<IteratorResult<string>> {
    if (this.#newest !== undefined) return Promise.resolve(this.#take(this.#newest));
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  async return(): Promise<IteratorResult<string>> {
    this.#abort();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
