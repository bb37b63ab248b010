/**
 * The daemon: an engine, its API on sockets, signals, and its end.
 * @module
 */
import { openEngine, type DaemonOptions } from "../engine/mod.ts";
import { leastLevel, runDaemon } from "./daemon-run.ts";
import { createLog } from "./log.ts";

export type { DaemonOptions } from "../engine/mod.ts";

/**
 * Runs a daemon until it is told to leave (SIGTERM, SIGINT) or was idle for as long as the options say. Containers
 * live on. SIGHUP makes it read its options again by `reread`. Throws if it can't start: a host that can't be listened
 * at, or another daemon that holds the data.
 */
export async function startDaemon(options: DaemonOptions, reread: () => DaemonOptions): Promise<void> {
  const log = createLog(leastLevel(options), { format: options.logFormat });
  useProxies(options.proxies);
  await runDaemon({ options, reread }, (settings) => openEngine(settings, log), log);
}

/** Makes them count for every request to a registry, and `info` show them: as dockerd, which sets them so too. */
function useProxies({ http, https, none }: DaemonOptions["proxies"]): void {
  for (const [name, value] of Object.entries({ HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: none })) {
    if (value === undefined) continue;
    delete process.env[name.toLowerCase()];
    process.env[name] = value;
  }
}
