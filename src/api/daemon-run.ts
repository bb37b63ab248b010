/**
 * A daemon's life around an engine: start, signals, idleness, end.
 * @module
 */
import { guardEngine, type DaemonOptions, type Engine, type SocketOptions } from "../engine/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { openAudit } from "./audit.ts";
import { openDoors, type Accept } from "./doors.ts";
import { giveBackWhenIdle } from "./idle-memory.ts";
import { checkHosts } from "./listen-host.ts";
import type { Log, LogLevel } from "./log.ts";
import { serveMetrics } from "./metrics.ts";
import { peerOf } from "./peer.ts";
import { removePidfile, writePidfile } from "./pidfile.ts";
import { createRouter } from "./routes/mod.ts";
import { createApiServer } from "./server.ts";
import { serviceManager } from "./service-manager.ts";
import { apiVersion, serverVersion } from "./versions.ts";
import { warmUp } from "./warm-up.ts";

const idleCheckMilliseconds = 250;

/** How a daemon is set up, and where that can be read again. */
export interface DaemonSetup {
  readonly options: DaemonOptions;
  /** Throws if what is said now is wrong. */
  readonly reread: () => DaemonOptions;
}

/** The lowest level that is logged. */
export function leastLevel({ debug, logLevel }: Pick<DaemonOptions, "debug" | "logLevel">): LogLevel {
  return debug ? "debug" : logLevel;
}

/** Runs until the end; resolves when everything is closed. `open` makes the engine. */
export async function runDaemon(
  { options, reread }: DaemonSetup,
  open: (options: DaemonOptions, log: Log) => Promise<Engine>,
  log: Log,
): Promise<void> {
  checkHosts(options);
  await writePidfile(options.pidfile);
  await using closers = new AsyncDisposableStack();
  closers.defer(() => removePidfile(options.pidfile));
  let reload = (): void => log.info("got SIGHUP while starting: what is read is new anyway");
  const stopped = signalled(() => reload(), closers);
  surviveErrors(log, closers);
  const engine = await open(options, log);
  let { shutdownTimeout } = options;
  closers.defer(() => within(engine.close(), shutdownTimeout, log));
  const tell = serviceManager(engine, log);
  const audit = options.auditLog === undefined ? undefined : openAudit(options.auditLog, log);
  if (audit !== undefined) closers.defer(() => audit.close());
  const server = createApiServer({
    router: createRouter(),
    log,
    ...(audit === undefined
      ? {}
      : { audit: { log: audit, identify: (socket) => peerOf(socket, engine, log) } }),
  });
  closers.defer(() => server.close());
  reload = () => {
    const now = reloaded(engine, reread, log);
    if (now !== undefined) ({ shutdownTimeout } = now);
    audit?.reopen();
  };
  const behind = ({ host, policy }: SocketOptions): Accept =>
    server.behind({ host, engine: policy === undefined ? engine : guardEngine(engine, policy) });
  await openDoors(options, behind, log, closers);
  if (options.metricsAddress !== undefined) {
    const metrics = await serveMetrics(options.metricsAddress, engine, log);
    closers.defer(() => metrics.close());
    log.info(`metrics API listening on ${metrics.address}`);
  }
  log.info("daemon has completed initialization", { version: serverVersion, api: apiVersion });
  void tell("READY=1");
  // The first container shall not wait for the schemas to be compiled, nor for anything else that is new to the engine.
  const ending = new AbortController();
  closers.defer(() => ending.abort());
  void import("./schemas.ts").then(async (schemas) => {
    schemas.compileSchemas();
    const { execRoot } = options;
    const surroundings = { busy: () => server.open > 0, ending: ending.signal, execRoot, log };
    await warmUp(engine, surroundings);
    await giveBackWhenIdle(engine, surroundings);
  });
  const reason = await Promise.race([
    stopped,
    idleFor(options.idleExitSeconds, engine, () => server.open, closers),
  ]);
  log.info("daemon is shutting down", { reason });
  await tell("STOPPING=1");
}

/** Reads the options again and makes them count as far as they can; what is wrong with them changes nothing. */
function reloaded(engine: Engine, reread: () => DaemonOptions, log: Log): DaemonOptions | undefined {
  let options: DaemonOptions;
  try {
    options = reread();
  } catch (error) {
    log.error(`reload the configuration: ${messageOf(error)}`);
    return undefined;
  }
  const ignored = engine.reload(options);
  log.setLevel(leastLevel(options));
  log.info("Reloaded configuration");
  if (ignored.length > 0) log.warn("these changes count after a restart", { options: ignored.join(", ") });
  return options;
}

/** Resolves with the name of the signal that ends the daemon. */
function signalled(reload: () => void, closers: AsyncDisposableStack): Promise<string> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => resolve(signal);
    process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
    closers.defer(() => void process.off("SIGTERM", stop).off("SIGINT", stop).off("SIGHUP", reload));
  });
}

/** A defect in one request must not take the containers' engine with it. */
function surviveErrors(log: Log, closers: AsyncDisposableStack): void {
  const survive = (error: unknown): void =>
    log.error("uncaught error", { error: error instanceof Error ? error : String(error) });
  process.on("uncaughtException", survive).on("unhandledRejection", survive);
  closers.defer(() => void process.off("uncaughtException", survive).off("unhandledRejection", survive));
}

/** Resolves when nothing has run and nobody has asked for anything for so long; never if that isn't wanted. */
function idleFor(
  seconds: number | undefined,
  engine: Engine,
  open: () => number,
  closers: AsyncDisposableStack,
): Promise<string> {
  if (seconds === undefined) return new Promise(() => {});
  return new Promise((resolve) => {
    let since = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      if (open() > 0 || !engine.idle()) since = now;
      else if (now - since >= seconds * 1000) resolve("idle");
    }, idleCheckMilliseconds);
    closers.defer(() => clearInterval(timer));
  });
}

/** Waits for the engine to close, but not for ever. */
async function within(work: Promise<void>, seconds: number, log: Log): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log.warn("the engine did not close in time");
      resolve();
    }, seconds * 1000);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
