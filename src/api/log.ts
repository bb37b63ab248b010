/**
 * The daemon's log in dockerd's forms, to the error stream, synchronously: `time="…" level=info msg="…" key=value`, or
 * JSON objects.
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
  /** Leaves out what is below `least` from now on. */
  setLevel(least: LogLevel): void;
}

/** dockerd's names of the levels, which `--log-level` takes. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal"];

/** How deep a chain of causes is told. */
const deepestCause = 8;

/** How a log is written. */
export interface LogOptions {
  /** Undefined: text. */
  readonly format?: "text" | "json";
  /** Takes whole lines; undefined: the error stream. */
  readonly write?: (line: string) => void;
}

/** Makes the log. */
export function createLog(least: LogLevel, { format, write = writeToErrorStream }: LogOptions = {}): Log {
  const line = format === "json" ? formatJson : formatLine;
  let lowest = order.indexOf(least);
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (order.indexOf(level) >= lowest) write(line(new Date(), level, message, fields));
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    setLevel: (level) => {
      lowest = order.indexOf(level);
    },
  };
}

/** One line of the log as logrus writes it in JSON: the fields, then `level`, `msg` and `time`. */
export function formatJson(time: Date, level: LogLevel, message: string, fields: LogFields): string {
  const shown: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    shown[key] = value instanceof Error ? value.message : value;
    if (value instanceof Error) Object.assign(shown, { stack: value.stack, causes: causesOf(value) });
  }
  const own = { level: nameOf(level), msg: message, time: time.toISOString() };
  const text = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);
  return `${JSON.stringify({ ...shown, ...own }, text)}\n`;
}

/** logrus calls it by its whole name. */
function nameOf(level: LogLevel): string {
  return level === "warn" ? "warning" : level;
}

/** One line of the log. Errors are told with their stack and their causes. */
export function formatLine(time: Date, level: LogLevel, message: string, fields: LogFields): string {
  let line = `time="${time.toISOString()}" level=${nameOf(level)} msg=${quoted(message)}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    line += ` ${key}=${quoted(value)}`;
    if (!(value instanceof Error)) continue;
    line += ` stack=${quoted(value.stack ?? "")}`;
    const causes = causesOf(value);
    if (causes !== undefined) line += ` cause=${quoted(causes)}`;
  }
  return `${line}\n`;
}

function causesOf(error: Error): string | undefined {
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < deepestCause;) {
    causes.push(cause instanceof Error ? (cause.stack ?? cause.message) : messageOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes.length === 0 ? undefined : causes.join("\ncaused by: ");
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
