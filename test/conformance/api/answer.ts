/**
 * Answers in a form that two engines can have in common: without ids, times, numbers of processes, paths of their own.
 * @module
 */
import { hostname } from "node:os";

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** An answer without what must differ. `body` is parsed JSON, a list of it if there were several, or text. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Headers of the connection, which say nothing of the answer. */
const ofConnection = new Set([
  "date",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "server",
]);

/** Numbers that are another each time. */
const numbers =
  /^(Pid|Created|LastTagTime|time|timeNano|Size|SizeRootFs|SizeRw|VirtualSize|SharedSize|LayersSize|SpaceReclaimed|execDuration)$/;

/** What is the daemon's own at that moment, or the build of busybox's. */
const facts = new Set([
  "execDuration",
  "NFd",
  "NGoroutines",
  "KernelVersion",
  "NCPU",
  "MemTotal",
  "OperatingSystem",
  "OSVersion",
]);

/**
 * @param names the objects that the scenario named: each id becomes its name in angle brackets
 * @param directory below which the engine has its files
 */
export function normalised(raw: RawAnswer, names: ReadonlyMap<string, string>, directory: string): Answer {
  const text = (value: string): string => replaced(value, names, directory);
  const headers = Object.entries(raw.headers)
    .filter(([name]) => !ofConnection.has(name))
    .map(([name, value]) => [name, text(String(value))] as const);
  const server = raw.headers["server"];
  if (server !== undefined) headers.push(["server", String(server).replace(/\/.* \(/, "/VERSION (")]);
  return {
    status: raw.status,
    headers: Object.fromEntries(headers.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    body: walked(parsed(raw.body), text),
  };
}

function parsed(body: Buffer): unknown {
  const text = body.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    // Not one document.
  }
  const lines = text.split(/\r?\n/).filter(Boolean);
  try {
    if (lines.length > 1) return lines.map((line): unknown => JSON.parse(line));
  } catch {
    // Not lines of JSON either.
  }
  return unframed(body) ?? text;
}

/** A multiplexed stream: what came on each of its channels. */
function unframed(body: Buffer): Record<string, string> | undefined {
  const channels: Record<string, string> = {};
  let at = 0;
  while (at + 8 <= body.length) {
    const [channel = 9, ...zeros] = body.subarray(at, at + 4);
    const length = body.readUInt32BE(at + 4);
    if (channel > 3 || zeros.some((zero) => zero !== 0) || at + 8 + length > body.length) return undefined;
    const name = ["stdin", "stdout", "stderr", "error"][channel] ?? "";
    channels[name] = (channels[name] ?? "") + body.subarray(at + 8, at + 8 + length).toString("utf8");
    at += 8 + length;
  }
  return at > 0 && at === body.length ? channels : undefined;
}

function walked(value: unknown, text: (value: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((item) => walked(item, text)).toSorted(byDestination);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    if (typeof item === "number" && item > 0 && numbers.test(name)) return [name, "NUMBER"];
    if (facts.has(name)) return [name, "FACT"];
    return [text(name), walked(item, text)];
  });
  return Object.fromEntries(entries);
}

/** Mounts come in no order. */
function byDestination(a: unknown, b: unknown): number {
  const of = (item: unknown): string =>
    typeof item === "object" && item !== null && "Destination" in item ? String(item.Destination) : "";
  return of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0;
}

function replaced(value: string, names: ReadonlyMap<string, string>, directory: string): string {
  if (value === hostname()) return "HOSTNAME";
  let text = value.replaceAll(directory, "DIRECTORY");
  for (const [id, name] of names) {
    text = text.replaceAll(id, `<${name}>`);
    if (/^[0-9a-f]{64}$/.test(id)) text = text.replaceAll(id.slice(0, 12), `<${name} short>`);
  }
  return text
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .replaceAll(/^layer [0-9a-f]{4}$/g, "LAYER")
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "UUID")
    .replaceAll(/\b(?=\d*[a-f])[0-9a-f]{12}\b/g, "SHORT")
    .replaceAll(/\b(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, "TIME")
    .replaceAll(/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, "MAC");
}
