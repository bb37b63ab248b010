/**
 * The driver `fluentd`: the forward protocol, one message for each record, acknowledged where the server does that.
 * @module
 */
import { randomBytes } from "node:crypto";
import { inContext } from "../../errors/mod.ts";
import { chosenAttributes, tagOf } from "./info.ts";
import {
  packArrayHead,
  packEventTime,
  packMapHead,
  packText,
  packTextHead,
  packUnsigned,
  unpackTextMap,
} from "./msgpack.ts";
import {
  attributeOptions,
  defaultBatch,
  type LogLine,
  type LogSink,
  type RemoteDriver,
  type SinkHost,
} from "./remote.ts";
import { openStream, type StreamAddress, type StreamSink } from "./sinks.ts";
import { parseUnsigned } from "../strconv.ts";
import { parseBool, parseBytes, parseDuration, parseUrl, splitHostPort, wrongOption } from "./values.ts";

type Options = Readonly<Record<string, string>>;

const DEFAULT_PORT = 24224;
/** Milliseconds after which a server that has never acknowledged anything is taken for one that doesn't. */
const ACK_PATIENCE = 3000;
/** Bounds of `fluentd-async-reconnect-interval`, in milliseconds. */
const RENEWAL = { least: 100, most: 10_000 };

function addressOf(text: string): StreamAddress {
  if (text === "") return { network: "tcp", host: "127.0.0.1", port: DEFAULT_PORT };
  try {
    const { scheme, host, path } = parseUrl(text.includes("://") ? text : `tcp://${text}`);
    if (scheme === "unix") {
      if (path.replace(/^\/+$/, "") === "") throw wrongOption("path is empty");
      return { network: "unix", path };
    }
    if (scheme !== "tcp" && scheme !== "tls") throw wrongOption(`unsupported scheme: '${scheme}'`);
    if (path !== "") throw wrongOption("should not contain a path element");
    const { host: name, port = String(DEFAULT_PORT) } = splitHostPort(host);
    const number = parseUnsigned(port === "" ? String(DEFAULT_PORT) : port);
    if (number > 65_535)
      throw wrongOption(
        `invalid port: strconv.ParseUint: parsing ${JSON.stringify(port)}: value out of range`,
      );
    const to = { network: "tcp", host: name === "" ? "127.0.0.1" : name, port: number } as const;
    return scheme === "tls" ? { ...to, tls: {} } : to;
  } catch (error) {
    throw inContext(`invalid fluentd-address (${text})`, error);
  }
}

interface Settings {
  readonly address: StreamAddress;
  readonly buffer: number;
  readonly retryWait: number;
  readonly retries?: number;
  readonly async: boolean;
  readonly renewal?: number;
  readonly requestAck: boolean;
  readonly subSecond: boolean;
  readonly writeTimeout?: number;
}

function settingsOf(options: Options): Settings {
  const given = <T>(name: string, read: (text: string) => T): T | undefined => {
    const text = options[name] ?? "";
    return text === "" ? undefined : read(text);
  };
  const named = (name: string) => (text: string) => {
    try {
      return parseDuration(text);
    } catch (error) {
      throw inContext(`invalid value for ${name}`, error);
    }
  };
  const address = addressOf(options["fluentd-address"] ?? "");
  const buffer = given("fluentd-buffer-limit", (text) => parseBytes(text, 1024));
  const retryWait = given("fluentd-retry-wait", parseDuration);
  const retries = given("fluentd-max-retries", parseUnsigned);
  const async = given("fluentd-async", parseBool) ?? false;
  const renewal = given("fluentd-async-reconnect-interval", named("fluentd-async-reconnect-interval"));
  if (renewal !== undefined && renewal !== 0 && (renewal < RENEWAL.least || renewal > RENEWAL.most))
    throw wrongOption(
      `invalid value for fluentd-async-reconnect-interval: value (${options["fluentd-async-reconnect-interval"]}) must be between 100ms and 10s`,
    );
  const subSecond = given("fluentd-sub-second-precision", parseBool) ?? false;
  const requestAck = given("fluentd-request-ack", parseBool) ?? false;
  const writeTimeout = given("fluentd-write-timeout", named("fluentd-write-timeout"));
  if (writeTimeout !== undefined && writeTimeout < 0)
    throw wrongOption("invalid value for fluentd-write-timeout: value must be a positive duration");
  return {
    address,
    buffer: buffer ?? defaultBatch,
    retryWait: retryWait ?? 1000,
    ...(retries === undefined ? {} : { retries }),
    async,
    ...(renewal === undefined || renewal === 0 ? {} : { renewal }),
    subSecond,
    requestAck,
    ...(writeTimeout === undefined ? {} : { writeTimeout }),
  };
}

/** Whether the server acknowledges; it is found out unless an option demands it. */
interface Acknowledging {
  state: "unknown" | "yes" | "no";
}

/** A connection on which the last message of a batch asks for an acknowledgement: it covers those before it. */
class FluentSink implements LogSink {
  readonly #acknowledging: Acknowledging;
  readonly #stream: StreamSink;
  /** What the server said and nobody has read. */
  #heard: Buffer = Buffer.alloc(0);
  /** The acknowledgement that is waited for. */
  #awaited: { readonly chunk: string; readonly settle: (error?: Error) => void } | undefined;

  private constructor(stream: StreamSink, acknowledging: Acknowledging) {
    this.#stream = stream;
    this.#acknowledging = acknowledging;
    stream.onData = (data) => this.#hear(data);
    stream.onLost = (error) => this.#awaited?.settle(error);
  }

  static async open(
    { address, writeTimeout }: Settings,
    acknowledging: Acknowledging,
    host: SinkHost,
  ): Promise<FluentSink> {
    // The engine's own thread connects.
    if (address.network === "unix") await host.has(address.path);
    return new FluentSink(await openStream(address, writeTimeout), acknowledging);
  }

  get certain(): boolean {
    return this.#acknowledging.state === "yes";
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    // Each message still lacks its last element, the options.
    const none = packMapHead(0);
    const parts = messages.flatMap((message) => [message, none]);
    if (this.#acknowledging.state === "no") {
      await this.#stream.send(parts);
      return;
    }
    const chunk = randomBytes(16).toString("base64");
    parts[parts.length - 1] = Buffer.concat([packMapHead(1), packText("chunk"), packText(chunk)]);
    const acknowledged = this.#acknowledgement(chunk);
    // It may fail while the write goes on.
    acknowledged.catch(() => undefined);
    await this.#stream.send(parts);
    await acknowledged;
  }

  async #acknowledgement(chunk: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer =
        this.#acknowledging.state === "unknown"
          ? setTimeout(() => {
              this.#acknowledging.state = "no";
              this.#awaited?.settle();
            }, ACK_PATIENCE)
          : undefined;
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        this.#awaited = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#awaited = { chunk, settle };
    });
  }

  #hear(data: Buffer): void {
    this.#heard = Buffer.concat([this.#heard, data]);
    for (;;) {
      const found = unpackTextMap(this.#heard);
      if (found === undefined) return;
      this.#heard = this.#heard.subarray(found.end);
      if (this.#awaited === undefined || found.values["ack"] !== this.#awaited.chunk) continue;
      this.#acknowledging.state = "yes";
      this.#awaited.settle();
    }
  }

  close(): void {
    this.#stream.close();
  }
}

export const fluentd: RemoteDriver = {
  options: new Set([
    ...attributeOptions,
    "fluentd-address",
    "fluentd-async",
    "fluentd-async-reconnect-interval",
    "fluentd-buffer-limit",
    "fluentd-max-retries",
    "fluentd-request-ack",
    "fluentd-retry-wait",
    "fluentd-sub-second-precision",
    "fluentd-write-timeout",
  ]),

  check(options) {
    settingsOf(options);
  },

  open(info, options) {
    const settings = settingsOf(options);
    const tag = packText(tagOf(info, options, "{{.ID}}"));
    const { id } = info.record;
    const pack = (pairs: Readonly<Record<string, string>>): Buffer =>
      Buffer.concat(Object.entries(pairs).flatMap(([key, value]) => [packText(key), packText(value)]));
    const { source: _source, log: _log, ...chosen } = chosenAttributes(info, options);
    const fixed = { container_id: id, container_name: `/${info.name}`, ...chosen };
    const head = Buffer.concat([packArrayHead(4), tag]);
    // Everything of a record but its text, and of a piece what makes it one.
    const packed = {
      stdout: Buffer.concat([pack({ ...fixed, source: "stdout" }), packText("log")]),
      stderr: Buffer.concat([pack({ ...fixed, source: "stderr" }), packText("log")]),
    };
    const count = Object.keys(fixed).length + 2;
    const wholeMap = packMapHead(count);
    const pieceMap = packMapHead(count + 4);
    const acknowledging: Acknowledging = { state: settings.requestAck ? "yes" : "unknown" };
    const { retries, renewal } = settings;
    return {
      // The message without its last element, the options, which the connection adds.
      encode: ({ stream, text, time, piece }: LogLine): Buffer =>
        Buffer.concat([
          head,
          settings.subSecond ? packEventTime(time) : packUnsigned(Number(time / 1_000_000_000n)),
          piece === undefined ? wholeMap : pieceMap,
          ...(piece === undefined
            ? []
            : [
                pack({
                  partial_message: "true",
                  partial_id: piece.id,
                  partial_ordinal: String(piece.ordinal),
                  partial_last: String(piece.last),
                }),
              ]),
          packed[stream],
          packTextHead(text.length),
          text,
        ]),
      connect: async (host) => FluentSink.open(settings, acknowledging, host),
      connectsAtStart: !settings.async,
      retryWait: settings.retryWait,
      ...(retries === undefined ? {} : { retries }),
      batch: Math.min(defaultBatch, Math.max(1, settings.buffer)),
      ...(renewal === undefined ? {} : { renewal }),
    };
  },
};
