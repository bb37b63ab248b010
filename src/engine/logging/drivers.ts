/**
 * The log drivers that there are.
 * @module
 */
import { fluentd } from "./fluentd.ts";
import { gelf } from "./gelf.ts";
import { journald } from "./journald.ts";
import type { RemoteDriver } from "./remote.ts";
import { syslog } from "./syslog.ts";

/** Drivers that send logs to a server. */
export const remoteDrivers: Readonly<Record<string, RemoteDriver>> = { fluentd, gelf, journald, syslog };

/** What `info` lists, sorted: everything but `none`. */
export const logDrivers: readonly string[] = [...Object.keys(remoteDrivers), "json-file", "local"].toSorted();
