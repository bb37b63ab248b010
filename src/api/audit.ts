/**
 * The audit log: a JSON line for each request, who asked for what and how it ended. No bodies, no queries and no
 * headers: they hold environment variables, build arguments and credentials.
 * @module
 */
import { createWriteStream, openSync, type WriteStream } from "node:fs";
import { failure, messageOf } from "../errors/mod.ts";
import type { Log } from "./log.ts";
import type { Peer } from "./peer.ts";

/** Milliseconds after which a request that goes on is written down before its end. */
const patience = 1000;

/** A request, as it is written down. */
export interface AuditRequest {
  /** Where it came in, as the configuration names it. */
  readonly socket: string;
  readonly peer: Peer;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** What the path or the query names, of whatever kind; empty for none. Asked late, when the path is understood. */
  readonly object: () => string;
}

/** Writes requests down. */
export interface Audit {
  /** Begins a request; the function is told its status at its end, 0 if the client went before the answer. */
  begin(request: AuditRequest): (status: number) => void;
  /** Writes into a new file of the same name from now on: the old one was moved away. */
  reopen(): void;
  close(): Promise<void>;
}

/** Opens the log, for root alone. Throws if it can't be written. */
export function openAudit(path: string, log: Log): Audit {
  let stream = open(path, log);
  const write = (entry: object): void => void stream.write(`${JSON.stringify(entry)}\n`);
  return {
    begin: ({ socket, peer, method, path: asked, object }) => {
      const time = new Date().toISOString();
      const start = performance.now();
      const tell = (state: "running" | "done", status?: number): void => {
        const duration = Math.round((performance.now() - start) * 1000) / 1000;
        const named = object() || undefined;
        write({ time, socket, peer, method, path: asked, object: named, state, status, duration });
      };
      const timer = setTimeout(() => tell("running"), patience);
      timer.unref();
      return (status) => {
        clearTimeout(timer);
        tell("done", status);
      };
    },
    reopen: () => {
      const before = stream;
      try {
        stream = open(path, log);
        before.end();
      } catch (error) {
        log.error(`reopen the audit log: ${messageOf(error)}`);
      }
    },
    close: () => new Promise((resolve) => stream.end(resolve)),
  };
}

function open(path: string, log: Log): WriteStream {
  let fd: number;
  try {
    fd = openSync(path, "a", 0o600);
  } catch (error) {
    throw failure("internal", { message: `open the audit log ${path}: ${messageOf(error)}` }, error);
  }
  const stream = createWriteStream(path, { fd });
  stream.on("error", (error) => log.error(`write the audit log: ${error.message}`));
  return stream;
}
