/**
 * What the engine does about logs beside reading them: older files are compressed, and some are sent to servers.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { failure, messageOf } from "../../errors/mod.ts";
import type { Executors } from "../../kernel/mod.ts";
import type { Container } from "../container-store.ts";
import type { HostPaths } from "../host-paths.ts";
import type { EnginePaths } from "../paths.ts";
import type { EngineLog } from "../services.ts";
import { LogCompressor } from "./compress.ts";
import { Forwarder } from "./forwarder.ts";
import { logFiles, remotePlan, type LogFilesPlan } from "./plan.ts";
import type { LogSink, SinkHost } from "./remote.ts";

/** Milliseconds between two looks for files to compress. */
const COMPRESS_INTERVAL = 5000;
/** Milliseconds that the rest of a removed container's log has to reach its server; Docker's time. */
const FAREWELL = 10_000;
/** Milliseconds that an engine which ends waits for connections. */
const CLOSING = 1000;

/** What the service works with. */
export interface LogServiceContext {
  readonly paths: EnginePaths;
  readonly executors: Executors;
  readonly hostPaths: HostPaths;
  readonly log: EngineLog;
}

/** A connection to a log server, for a container that is being started. */
export interface LogConnection {
  readonly sink?: LogSink;
}

/** The logs of an engine's containers. */
export class LogService {
  readonly #context: LogServiceContext;
  readonly #host: SinkHost;
  readonly #compressor: LogCompressor;
  readonly #forwarders = new Map<string, Forwarder>();
  /** Forwarders that are being replaced. */
  readonly #turns = new Map<string, Promise<void>>();
  /** Logs that are written now and whose older files are compressed. */
  readonly #compressed = new Map<string, LogFilesPlan>();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: LogServiceContext) {
    this.#context = context;
    const { executors, hostPaths } = context;
    this.#host = {
      session: () => executors.session(),
      has: async (path) => (await hostPaths.look([path])).has(path),
      read: (path) => hostPaths.read(path),
    };
    this.#compressor = new LogCompressor(context.executors, context.log);
  }

  /**
   * Connects to the server of a container that is to be started, where Docker does.
   * @throws internal in Docker's words if it can't be reached
   */
  async connect(container: Container): Promise<LogConnection> {
    try {
      const plan = remotePlan(this.#context.paths, container);
      if (plan === undefined || !plan.remote.connectsAtStart) return {};
      return { sink: await plan.remote.connect(this.#host) };
    } catch (error) {
      throw failure(
        "internal",
        {
          message: `failed to create task for container: failed to initialize logging driver: ${messageOf(error)}`,
        },
        error,
      );
    }
  }

  /** A container runs. */
  started(container: Container, { sink }: LogConnection = {}): void {
    const { paths, log } = this.#context;
    const { id } = container;
    try {
      const files = logFiles(paths, container.record);
      if (files?.compress === true) this.#compressed.set(id, files);
      this.#schedule();
      if (files?.sentOnly !== true) return;
    } catch (error) {
      log.error(`read the log options of container ${id}: ${messageOf(error)}`, { error });
      return;
    }
    // One after the other: a container that restarts quickly never has two forwarders.
    const turn = (this.#turns.get(id) ?? Promise.resolve())
      .then(async () => {
        await this.#forwarders.get(id)?.stop();
        this.#forward(container, sink);
      })
      .catch((error: unknown) => log.error(`send the log of container ${id}: ${messageOf(error)}`, { error }))
      .finally(() => {
        if (this.#turns.get(id) === turn) this.#turns.delete(id);
      });
    this.#turns.set(id, turn);
  }

  #forward(container: Container, sink?: LogSink): void {
    const { paths, log } = this.#context;
    const { id } = container;
    const plan = remotePlan(paths, container);
    if (plan === undefined) return;
    const forwarder = new Forwarder({
      ...plan,
      id,
      host: this.#host,
      log,
      ...(sink === undefined ? {} : { sink }),
    });
    this.#forwarders.set(id, forwarder);
    void forwarder.done.then(() => {
      if (this.#forwarders.get(id) === forwarder) this.#forwarders.delete(id);
    });
    if (!container.running) forwarder.finish();
  }

  /** A container has exited, and its log is complete. */
  exited({ id }: Container): void {
    this.#forwarders.get(id)?.finish();
    const files = this.#compressed.get(id);
    this.#compressed.delete(id);
    this.#schedule();
    if (files !== undefined) void this.#compressor.see(files);
  }

  /** The engine was started: what an earlier one has left undone is done. */
  recover(container: Container): void {
    const { paths, log } = this.#context;
    if (container.running) {
      this.started(container);
      return;
    }
    try {
      this.#forward(container);
      const files = logFiles(paths, container.record);
      if (files !== undefined) void this.#compressor.see(files);
    } catch (error) {
      log.error(`send the log of container ${container.id}: ${messageOf(error)}`, { error });
    }
  }

  /** Before the files of a removed container go: its server gets the rest, if it is quick. */
  async farewell({ id }: Container): Promise<void> {
    this.#compressed.delete(id);
    await this.#turns.get(id);
    const forwarder = this.#forwarders.get(id);
    if (forwarder === undefined) return;
    forwarder.finish();
    const late = Symbol();
    const first = await Promise.race([forwarder.done, sleep(FAREWELL, late, { ref: false })]);
    if (first !== late) return;
    this.#context.log.warn(`the log of container ${id} was not sent to its end before it was removed`);
    await forwarder.stop();
  }

  /** How far everything came is remembered. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#compressor.close();
    const stopped = Promise.all([...this.#forwarders.values()].map((forwarder) => forwarder.stop()));
    await Promise.race([stopped, sleep(CLOSING, undefined, { ref: false })]);
  }

  #schedule(): void {
    if (this.#compressed.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#timer ??= setInterval(() => {
      for (const files of this.#compressed.values()) void this.#compressor.see(files);
    }, COMPRESS_INTERVAL).unref();
  }
}
