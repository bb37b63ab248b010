/**
 * The Docker Engine API, and the daemon that serves it.
 * @module
 */
export { startDaemon, type DaemonOptions } from "./daemon.ts";
export { checkHosts } from "./listen-host.ts";
export { jsonComplaint } from "./go-json.ts";
