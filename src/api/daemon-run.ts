/**
 * A daemon's life around an engine: start, signals, idleness, end.
 * @module
 */
import type { DaemonOptions, Engine } from "../engine/mod.ts";
import { listen, socketPath } from "./listener.ts";
import type { Log } from "./log.ts";
import { removePidfile, writePidfile } from "./pidfile.ts";
import { createRouter } from "./routes/mod.ts";
import { createApiServer } from "./server.ts";
import { apiVersion, serverVersion } from "./versions.ts";

const idleCheckMilliseconds = 250;

/** Runs until the end; resolves when everything is closed. `open` makes the engine. */
export async function runDaemon(
  options: DaemonOptions,
  open: (options: DaemonOptions, log: Log) => Promise<Engine>,
  log: Log,
): Promise<void> {
  const paths = options.hosts.map(socketPath);
  await writePidfile(options.pidfile);
  await using closers = new AsyncDisposableStack();
  closers.defer(() => removePidfile(options.pidfile));
  const stopped = signalled(log, closers);
  surviveErrors(log, closers);
  const engine = await open(options, log);
  closers.defer(() => within(engine.close(), options.shutdownTimeout, log));
  const server = createApiServer(engine, createRouter(), log);
  closers.defer(() => server.close());
  for (const path of paths) {
    const listener = await listen(path, server.accept, options.group);
    closers.defer(() => listener.close());
    log.info(`API listen on ${path}`);
  }
  log.info("daemon has completed initialization", { version: serverVersion, api: apiVersion });
  // The first container shall not wait for the schemas to be compiled.
  void import("./schemas.ts").then((schemas) => schemas.compileSchemas());
  const reason = await Promise.race([
    stopped,
    idleFor(options.idleExitSeconds, engine, () => server.open, closers),
  ]);
  log.info("daemon is shutting down", { reason });
}

/** Resolves with the name of the signal that ends the daemon. */
function signalled(log: Log, closers: AsyncDisposableStack): Promise<string> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => resolve(signal);
    const reload = (): void => log.info("got SIGHUP: there is nothing to reload");
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
