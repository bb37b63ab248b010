/**
 * The daemon's log in dockerd's text form: `time="…" level=info msg="…" key=value`, to the error stream, synchronously.
 * @module
 */
import { writeSync } from "node:fs";
import pino from "pino";
import { messageOf } from "../errors/mod.ts";

/** What is logged beside the message. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A log of one line for each call. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** dockerd's names of the levels, which `--log-level` takes. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

const names: Readonly<Record<number, string>> = {
  20: "debug",
  30: "info",
  40: "warning",
  50: "error",
  60: "fatal",
};

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

/** One line of the log from pino's record. */
export function formatLine(record: Readonly<Record<string, unknown>>): string {
  const { time, level, msg, ...fields } = record;
  const stamp = new Date(Number(time)).toISOString();
  let line = `time="${stamp}" level=${names[Number(level)] ?? "info"} msg=${quoted(msg ?? "")}`;
  for (const [key, value] of Object.entries(fields))
    if (value !== undefined) line += ` ${key}=${quoted(value)}`;
  return `${line}\n`;
}

/** Makes the log; `write` takes whole lines and defaults to the error stream. */
export function createLog(
  level: LogLevel,
  write: (line: string) => void = (line) => void writeSync(2, line),
): Log {
  const logger = pino(
    { level, base: null, timestamp: () => `,"time":${Date.now()}` },
    { write: (text: string) => write(formatLine(JSON.parse(text) as Record<string, unknown>)) },
  );
  const at =
    (name: "debug" | "info" | "warn" | "error") =>
    (message: string, fields?: LogFields): void => {
      if (fields === undefined) logger[name](message);
      else logger[name](flatten(fields), message);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Errors as their text, their stack and the chain of their causes, which JSON would lose. */
function flatten(fields: LogFields): LogFields {
  const flat: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (!(value instanceof Error)) {
      flat[key] = value;
      continue;
    }
    flat[key] = value.message;
    flat["stack"] = value.stack;
    const causes: string[] = [];
    for (let cause = value.cause; cause !== undefined && causes.length < 8;) {
      causes.push(cause instanceof Error ? (cause.stack ?? cause.message) : messageOf(cause));
      cause = cause instanceof Error ? cause.cause : undefined;
    }
    if (causes.length > 0) flat["cause"] = causes.join("\ncaused by: ");
  }
  return flat;
}
