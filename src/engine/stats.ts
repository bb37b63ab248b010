/**
 * What running containers use, told once a second to whoever watches. However many watch a container, it is looked at
 * once: one clock for all, files that stay open, one text for all readers.
 * @module
 */
import { KernelFiles, StatsReader, type KernelFile } from "../cgroup/mod.ts";
import type { Endpoint } from "../network/mod.ts";
import type { Container } from "./container-store.ts";
import { cgroupOf } from "./runtime-context.ts";
import type { Services } from "./services.ts";
import { parseHostCpu, parseInterfaces, type HostCpu, type InterfaceCounters } from "./stats-host.ts";
import { emptySample, SampleMaker, statsLine, type StatsSample } from "./stats-json.ts";
import { formatTime, now } from "./time.ts";

/** Milliseconds between two looks. */
const INTERVAL = 1000;
const none: readonly Endpoint[] = [];
/** So many containers are looked at before others have their turn: a few milliseconds. */
const BATCH = 64;

/** The statistics of an engine's containers. */
export class StatsCollector {
  readonly #services: Services;
  readonly #watched = new Map<Container, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(services: Services) {
    this.#services = services;
  }

  /** One look, now, without what came before: Docker's `one-shot`. */
  once(container: Container): string {
    if (!container.running) return statsLine(emptySample, undefined);
    using host = new KernelFiles();
    using view = new RunView(this.#services, container);
    return statsLine(view.look(formatTime(now()), hostCpu(host.file("/proc/stat"))), undefined);
  }

  /**
   * A line for each second until the container is removed or `signal` fires. Who reads slowly misses lines. Of a container
   * that doesn't run a line says so, with zeros.
   */
  watch(container: Container, signal: AbortSignal): AsyncIterableIterator<string> {
    const watched = this.#watched.get(container) ?? new Watched(this.#services, container);
    this.#watched.set(container, watched);
    const leave = (): void => {
      container.removalWaiters.delete(close);
      watched.watchers.delete(watcher);
      if (watched.watchers.size > 0) return;
      watched.close();
      this.#watched.delete(container);
    };
    const watcher = new Watcher(watched, signal, leave);
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
      using files = new KernelFiles();
      const host = hostCpu(files.file("/proc/stat"));
      let read = formatTime(now());
      let count = 0;
      for (const watched of this.#watched.values()) {
        if (++count % BATCH === 0) {
          await new Promise((resolve) => setImmediate(resolve));
          read = formatTime(now());
        }
        if (watched.watchers.size > 0) watched.look(read, host);
      }
    } finally {
      this.#looking = false;
    }
    if (this.#watched.size === 0) return;
    const left = Math.max(1, INTERVAL - (performance.now() - began));
    this.#timer = setTimeout(() => void this.#tick(), left);
    this.#timer.unref();
  }
}

/** A container that is watched. */
class Watched {
  readonly #services: Services;
  readonly #container: Container;
  readonly watchers: Set<Watcher> = new Set();
  /** Its run that is looked at, and which one that is. */
  #view: RunView | undefined;
  #run = "";
  /** The last line, and what it was made of: most who watch want the same. */
  #line:
    | { readonly sample: StatsSample; readonly before: StatsSample | undefined; readonly text: string }
    | undefined;

  constructor(services: Services, container: Container) {
    this.#services = services;
    this.#container = container;
  }

  look(read: string, host: HostCpu): void {
    const { running, state } = this.#container;
    if (!running || state.startedAt !== this.#run) this.close();
    if (running) this.#view ??= new RunView(this.#services, this.#container);
    this.#run = state.startedAt;
    const sample = this.#view?.look(read, host) ?? emptySample;
    for (const watcher of this.watchers) watcher.offer(sample);
  }

  line(sample: StatsSample, before: StatsSample | undefined): string {
    const last = this.#line;
    if (last !== undefined && last.sample === sample && last.before === before) return last.text;
    const text = statsLine(sample, before, this.#container);
    this.#line = { sample, before, text };
    return text;
  }

  close(): void {
    this.#view?.[Symbol.dispose]();
    this.#view = undefined;
  }
}

/** One run of a container, with the files that tell what it uses open. */
class RunView implements Disposable {
  readonly #services: Services;
  readonly #container: Container;
  readonly #files = new KernelFiles();
  readonly #cgroup: StatsReader;
  readonly #maker: SampleMaker;
  readonly #devices: KernelFile;
  /** What was made last of the text of `#devices` for so many endpoints. */
  #interfaces: ReadonlyMap<string, InterfaceCounters> = new Map();
  #devicesText = "";
  #endpoints: readonly Endpoint[] = none;

  constructor(services: Services, container: Container) {
    this.#services = services;
    this.#container = container;
    this.#cgroup = new StatsReader(cgroupOf(services, container.record), (path) => this.#files.file(path));
    this.#maker = new SampleMaker(services.cgroups.version, services.facts.memory);
    this.#devices = this.#files.file(`/proc/${container.state.pid}/net/dev`);
  }

  /** What it uses at `read`, which is now. */
  look(read: string, host: HostCpu): StatsSample {
    const stats = this.#cgroup.read();
    // Its cgroup goes before its exit is recorded.
    if (stats.cpu === undefined && stats.memory === undefined) return emptySample;
    return this.#maker.sample(read, stats, host, this.#counters());
  }

  /** What the engine gave it to be on its networks, under the names that it has inside. */
  #counters(): ReadonlyMap<string, InterfaceCounters> {
    const { networks, store } = this.#services;
    const { NetworkMode: mode } = this.#container.record.hostConfig;
    const owner = mode.startsWith("container:") ? ownerOf(store, mode) : this.#container;
    const found = owner === undefined ? none : networks.store.endpointsOf(owner.id);
    const endpoints = found.length === 0 ? none : found;
    const text = endpoints === none ? "" : (this.#devices.read() ?? "");
    if (text === this.#devicesText && endpoints === this.#endpoints) return this.#interfaces;
    this.#devicesText = text;
    this.#endpoints = endpoints;
    this.#interfaces = parseInterfaces(
      text,
      endpoints.map((endpoint) => endpoint.interface),
    );
    return this.#interfaces;
  }

  [Symbol.dispose](): void {
    this.#files.close();
  }
}

/** `GET /containers/{id}/stats`: see {@link Containers.stats}. */
export function containerStats(
  collector: StatsCollector,
  container: Container,
  { stream, oneShot, signal }: { stream: boolean; oneShot: boolean; signal: AbortSignal },
): AsyncIterable<string> {
  return stream ? collector.watch(container, signal) : single(collector, container, oneShot, signal);
}

async function* single(
  collector: StatsCollector,
  container: Container,
  oneShot: boolean,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  if (!container.running) return yield statsLine(emptySample, undefined, container);
  if (oneShot) return yield collector.once(container);
  let primed = false;
  for await (const line of collector.watch(container, signal)) {
    if (primed) return yield line;
    // The first has no counters to compare with.
    primed = true;
  }
}

function ownerOf(store: Services["store"], mode: string): Container | undefined {
  const name = mode.slice("container:".length);
  return store.byId(name) ?? store.byName(name);
}

function hostCpu(file: KernelFile): HostCpu {
  return parseHostCpu(file.read() ?? "");
}

/** One reader: at most one line waits for it, the newest. */
class Watcher implements AsyncIterableIterator<string> {
  readonly #watched: Watched;
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

  constructor(watched: Watched, signal: AbortSignal, leave: () => void) {
    this.#watched = watched;
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
    const value = this.#watched.line(sample, this.#before);
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
