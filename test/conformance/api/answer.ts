/**
 * Answers in a form that two engines can have in common: without ids, times, numbers of processes, paths of their own.
 * @module
 */
import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { gunzipSync } from "node:zlib";

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/**
 * An answer without what must differ. `body` is parsed JSON, a list of it if there were several, an archive's entries, or
 * text.
 */
export interface Answer {
  /** The method and the path as the scenario has them. */
  readonly asked?: string;
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
    .map(([name, value]) => [name, statOf(name, String(value), text) ?? text(String(value))] as const);
  const server = raw.headers["server"];
  if (server !== undefined) headers.push(["server", String(server).replace(/\/.* \(/, "/VERSION (")]);
  return {
    status: raw.status,
    headers: Object.fromEntries(headers.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    body: archived(raw, text) ?? walked(parsed(raw.body), text),
  };
}

/** What the header of `cp` says of a file, without its time. */
function statOf(name: string, value: string, text: (value: string) => string): unknown {
  if (name !== "x-docker-container-path-stat") return undefined;
  const { mtime, ...rest } = JSON.parse(Buffer.from(value, "base64").toString()) as Record<string, unknown>;
  return walked({ ...rest, mtime: typeof mtime }, text);
}

/** An archive's entries, sorted: type and mode, owner, size or device, name, target of a link. */
function archived(raw: RawAnswer, text: (value: string) => string): string[] | undefined {
  const body = raw.headers["content-encoding"] === "gzip" ? gunzipSync(raw.body) : raw.body;
  if (body.subarray(257, 262).toString("latin1") !== "ustar") return undefined;
  const { status, stdout } = spawnSync("tar", ["-t", "-v", "--numeric-owner", "--full-time"], {
    input: body,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status !== 0) return ["broken archive"];
  const entries = stdout.trimEnd().split("\n");
  return entries.map((line) => text(line.replace(/ +(\S+) \d{4}-\d\d-\d\d \S+ /, " $1 "))).toSorted();
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

/** Ports that nobody named begin here (ip_local_port_range); which of them is free depends on who used some a moment ago. */
const EPHEMERAL = 32768;

function walked(value: unknown, text: (value: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((item) => walked(item, text)).toSorted(byDestination);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    if (typeof item === "number" && item > 0 && numbers.test(name)) return [name, "NUMBER"];
    if (facts.has(name)) return [name, "FACT"];
    if (/^(Host|Public)Port$/.test(name) && Number(item) >= EPHEMERAL) return [name, "PORT"];
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
    .replaceAll(/\bdocker-import-\d+/g, "docker-import-N")
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "UUID")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "SHORT")
    .replaceAll(/\b(About an?|Less than a|\d+) (second|minute)s?\b/g, "AGO")
    .replaceAll(/\b(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, "TIME")
    .replaceAll(/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, "MAC");
}
