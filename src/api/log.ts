/**
 * The daemon's log in dockerd's text form: `time="…" level=info msg="…" key=value`, to the error stream, synchronously.
 * (No library: all that is left to do is a line, and the usual one takes longer to load than the daemon to start.)
 * @module
 */
import { writeSync } from "node:fs";
import { messageOf } from "../errors/mod.ts";

/** What is logged beside the message. */
type LogFields = Readonly<Record<string, unknown>>;

/** A log of one line for each call. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** dockerd's names of the levels, which `--log-level` takes. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal"];

/** How deep a chain of causes is told. */
const deepestCause = 8;

/** Makes the log; `write` takes whole lines and defaults to the error stream. */
export function createLog(least: LogLevel, write: (line: string) => void = writeToErrorStream): Log {
  const at = (level: LogLevel): ((message: string, fields?: LogFields) => void) => {
    if (order.indexOf(level) < order.indexOf(least)) return () => {};
    return (message, fields = {}) => write(formatLine(new Date(), level, message, fields));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** One line of the log. Errors are told with their stack and their causes. */
export function formatLine(time: Date, level: LogLevel, message: string, fields: LogFields): string {
  let line = `time="${time.toISOString()}" level=${level === "warn" ? "warning" : level} msg=${quoted(message)}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    line += ` ${key}=${quoted(value)}`;
    if (value instanceof Error) line += ` stack=${quoted(value.stack ?? "")}${causesOf(value)}`;
  }
  return `${line}\n`;
}

function causesOf(error: Error): string {
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < deepestCause;) {
    causes.push(cause instanceof Error ? (cause.stack ?? cause.message) : messageOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes.length === 0 ? "" : ` cause=${quoted(causes.join("\ncaused by: "))}`;
}

/** Quotes a value as logrus does: only where it holds more than letters, digits and a few signs. */
function quoted(value: unknown): string {
  const text =
    typeof value === "string"
      ? value
      : value instanceof Error
        ? value.message
        : (JSON.stringify(value) ?? "");
  return /^[\w./@^+-]+$/.test(text) ? text : JSON.stringify(text);
}

/** Writes whole lines. A reader that is gone or doesn't keep up loses lines; it can't stop the daemon. */
function writeToErrorStream(line: string): void {
  try {
    for (let rest = Buffer.from(line); rest.length > 0;) rest = rest.subarray(writeSync(2, rest));
  } catch {
    // There is nobody left to tell.
  }
}
