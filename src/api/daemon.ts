/**
 * The daemon: an engine, its API on sockets, signals, and its end.
 * @module
 */
import { openEngine, type DaemonOptions } from "../engine/mod.ts";
import { runDaemon } from "./daemon-run.ts";
import { createLog } from "./log.ts";

export type { DaemonOptions } from "../engine/mod.ts";

/**
 * Runs a daemon until it is told to leave (SIGTERM, SIGINT) or was idle for as long as the options say. Containers
 * live on. Throws if it can't start: a host that can't be listened at, or another daemon that holds the data.
 */
export async function startDaemon(options: DaemonOptions): Promise<void> {
  const log = createLog(options.debug ? "debug" : options.logLevel);
  await runDaemon(options, (settings) => openEngine(settings, log), log);
}
