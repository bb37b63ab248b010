/**
 * The driver `syslog`: RFC 3164, RFC 5424 and the local form, over UDP, TCP, TLS and unix sockets.
 * @module
 */
import { hostname } from "node:os";
import type { ConnectionOptions } from "node:tls";
import { failure, messageOf } from "../../errors/mod.ts";
import { tagOf } from "./info.ts";
import {
  attributeOptions,
  defaultBatch,
  type LogLine,
  type LogSink,
  type RemoteDriver,
  type RequiredFile,
  type SinkHost,
} from "./remote.ts";
import { openStream, openUdp, openUnixDatagrams } from "./sinks.ts";
import { parseUrl, splitHostPort, wrongOption } from "./values.ts";

type Options = Readonly<Record<string, string>>;

/** Names of facilities by their numbers. */
const facilities = (
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp " +
  "- - - - local0 local1 local2 local3 local4 local5 local6 local7"
).split(" ");
const SEVERITY = { stdout: 6, stderr: 3 };
const DEFAULT_PORT = 514;
/** Where a host's own syslog listens. */
const localSockets: readonly string[] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

type Address =
  | { readonly network: "local" }
  | { readonly network: "unix" | "unixgram"; readonly path: string }
  | { readonly network: "udp" | "tcp" | "tcp+tls"; readonly host: string; readonly port: string };

function addressOf(text: string): Address {
  if (text === "") return { network: "local" };
  const { scheme, host, path } = parseUrl(text);
  if (scheme === "unix" || scheme === "unixgram") {
    return { network: scheme, path };
  }
  if (scheme !== "udp" && scheme !== "tcp" && scheme !== "tcp+tls")
    throw wrongOption(`unsupported scheme: '${scheme}'`);
  const { host: name, port = String(DEFAULT_PORT) } = splitHostPort(host);
  return { network: scheme, host: name === "" ? "localhost" : name, port };
}

function facilityOf(text: string): number {
  if (text === "") return facilities.indexOf("daemon");
  const named = text === "-" ? -1 : facilities.indexOf(text);
  const number = named >= 0 ? named : /^\d+$/.test(text) ? Number(text) : -1;
  if (number < 0 || number > 23) throw wrongOption("invalid syslog facility");
  return number;
}

type Format = "" | "rfc3164" | "rfc5424" | "rfc5424micro";

function formatOf(text: string): Format {
  if (text === "" || text === "rfc3164" || text === "rfc5424" || text === "rfc5424micro") return text;
  throw wrongOption("Invalid syslog format");
}

/** Options that name files, what those are, and what TLS calls them. */
const tlsFiles = [
  ["syslog-tls-ca-cert", "CA certificate", "ca"],
  ["syslog-tls-cert", "certificate", "cert"],
  ["syslog-tls-key", "key", "key"],
] as const;

function requiredFiles(options: Options): RequiredFile[] {
  const address = addressOf(options["syslog-address"] ?? "");
  if (address.network === "unix" || address.network === "unixgram") {
    const { path } = address;
    return [{ path, problem: `stat ${path}: no such file or directory`, atStart: false }];
  }
  if (address.network !== "tcp+tls") return [];
  return tlsFiles.flatMap(([option, what]) => {
    const path = options[option] ?? "";
    const problem = `could not read ${what} ${JSON.stringify(path)}: open ${path}: no such file or directory`;
    return path === "" ? [] : [{ path, problem, atStart: true }];
  });
}

async function tlsOf(options: Options, host: SinkHost): Promise<ConnectionOptions> {
  const read: Partial<Record<"ca" | "cert" | "key", Buffer>> = {};
  for (const [option, what, field] of tlsFiles) {
    const path = options[option] ?? "";
    if (path === "") continue;
    try {
      read[field] = Buffer.from(await host.read(path));
    } catch (error) {
      const message = `could not read ${what} ${JSON.stringify(path)}: ${messageOf(error)}`;
      throw failure("invalid-parameter", { message }, error);
    }
  }
  // Docker looks only whether the option is there.
  return { ...read, rejectUnauthorized: options["syslog-tls-skip-verify"] === undefined };
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (n: number): string => String(n).padStart(2, "0");

/** The last second that was written, as the next records are mostly of the same. */
let lastStamp: { readonly second: bigint; readonly text: string } = { second: -1n, text: "" };

/** `Jan _2 15:04:05` in the host's time. */
function stamp(time: bigint): string {
  const second = time / 1_000_000_000n;
  if (second !== lastStamp.second) lastStamp = { second, text: formatStamp(time) };
  return lastStamp.text;
}

function formatStamp(time: bigint): string {
  const date = new Date(Number(time / 1_000_000n));
  const day = String(date.getDate()).padStart(2, " ");
  return `${months[date.getMonth()]} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** RFC 3339 in the host's time, with `digits` of the fraction. */
function rfc3339(time: bigint, digits: 0 | 6): string {
  const date = new Date(Number(time / 1_000_000n));
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const fraction = digits === 0 ? "" : `.${String((time % 1_000_000_000n) / 1000n).padStart(6, "0")}`;
  const away = Math.abs(offset);
  const zone =
    offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${two(Math.floor(away / 60))}:${two(away % 60)}`;
  return `${local}${fraction}${zone}`;
}

/** What stands before the text of a message. */
function headOf(format: Format, priority: number, tag: string, host: string, time: bigint): string {
  switch (format) {
    case "":
      return `<${priority}>${stamp(time)} ${tag}[${process.pid}]: `;
    case "rfc3164":
      return `<${priority}>${stamp(time)} ${host} ${tag}[${process.pid}]: `;
    default: {
      const when = rfc3339(time, format === "rfc5424" ? 0 : 6);
      return `<${priority}>1 ${when} ${host} ${tag} ${process.pid} ${tag} - `;
    }
  }
}

async function connect(address: Address, options: Options, host: SinkHost): Promise<LogSink> {
  switch (address.network) {
    case "local": {
      for (const path of localSockets) {
        for (const open of [
          () => openUnixDatagrams(path, () => host.session()),
          () => openStream({ network: "unix", path }),
        ]) {
          if (!(await host.has(path))) continue;
          const sink = await open().catch(() => undefined);
          if (sink !== undefined) return sink;
        }
      }
      throw failure("unavailable", { message: "Unix syslog delivery error" });
    }
    case "unix":
      // The engine's own thread connects.
      await host.has(address.path);
      return openStream({ network: "unix", path: address.path });
    case "unixgram":
      return openUnixDatagrams(address.path, () => host.session());
    default: {
      const port = Number(address.port);
      if (!/^\d+$/.test(address.port) || port > 65_535) {
        const network = address.network === "udp" ? "udp" : "tcp";
        throw failure("unavailable", { message: `dial ${network}: address ${address.port}: invalid port` });
      }
      if (address.network === "udp") return openUdp(address.host, port);
      const stream = { network: "tcp", host: address.host, port } as const;
      if (address.network === "tcp") return openStream(stream);
      return openStream({ ...stream, tls: await tlsOf(options, host) });
    }
  }
}

export const syslog: RemoteDriver = {
  options: new Set([
    ...attributeOptions,
    "syslog-address",
    "syslog-facility",
    "syslog-tls-ca-cert",
    "syslog-tls-cert",
    "syslog-tls-key",
    "syslog-tls-skip-verify",
    "syslog-format",
  ]),

  check(options) {
    addressOf(options["syslog-address"] ?? "");
    facilityOf(options["syslog-facility"] ?? "");
    formatOf(options["syslog-format"] ?? "");
  },

  files: requiredFiles,

  open(info, options) {
    const tag = tagOf(info, options, "{{.ID}}");
    const address = addressOf(options["syslog-address"] ?? "");
    const facility = facilityOf(options["syslog-facility"] ?? "");
    const format = formatOf(options["syslog-format"] ?? "");
    const host = hostname();
    const counted = address.network === "tcp+tls" && format.startsWith("rfc5424");
    return {
      encode: ({ stream, text, time }: LogLine): Buffer => {
        const head = Buffer.from(headOf(format, facility * 8 + SEVERITY[stream], tag, host, time));
        const message = Buffer.concat([head, text, Buffer.from("\n")]);
        // RFC 5425: the length goes first.
        return counted ? Buffer.concat([Buffer.from(`${message.length} `), message]) : message;
      },
      connect: (sinks) => connect(address, options, sinks),
      connectsAtStart: true,
      retryWait: 1000,
      batch: defaultBatch,
    };
  },
};
