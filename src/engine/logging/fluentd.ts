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
  packUnsigned,
  unpackTextMap,
} from "./msgpack.ts";
import { attributeOptions, defaultBatch, type LogLine, type LogSink, type RemoteDriver } from "./remote.ts";
import { openStream, type StreamAddress, type StreamSink } from "./sinks.ts";
import {
  parseBool,
  parseBytes,
  parseDuration,
  parseUnsigned,
  parseUrl,
  splitHostPort,
  wrongOption,
} from "./values.ts";

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
  readonly #heard: { buffer: Buffer; listener?: () => void };

  private constructor(
    stream: StreamSink,
    heard: { buffer: Buffer; listener?: () => void },
    acknowledging: Acknowledging,
  ) {
    this.#stream = stream;
    this.#heard = heard;
    this.#acknowledging = acknowledging;
  }

  static async open(settings: Settings, acknowledging: Acknowledging): Promise<FluentSink> {
    const heard: { buffer: Buffer; listener?: () => void } = { buffer: Buffer.alloc(0) };
    const { writeTimeout } = settings;
    const stream = await openStream(settings.address, {
      ...(writeTimeout === undefined ? {} : { writeTimeout }),
      onData: (chunk) => {
        heard.buffer = Buffer.concat([heard.buffer, chunk]);
        heard.listener?.();
      },
    });
    return new FluentSink(stream, heard, acknowledging);
  }

  get certain(): boolean {
    return this.#acknowledging.state === "yes";
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    if (this.#acknowledging.state === "no") {
      await this.#stream.send(messages.map((message) => Buffer.concat([message, packMapHead(0)])));
      return;
    }
    const chunk = randomBytes(16).toString("base64");
    const last = messages.length - 1;
    await this.#stream.send(
      messages.map((message, i) =>
        Buffer.concat(
          i < last
            ? [message, packMapHead(0)]
            : [message, packMapHead(1), packText("chunk"), packText(chunk)],
        ),
      ),
    );
    await this.#acknowledged(chunk);
  }

  async #acknowledged(chunk: string): Promise<void> {
    const heard = this.#heard;
    await new Promise<void>((resolve, reject) => {
      const timer =
        this.#acknowledging.state === "unknown"
          ? setTimeout(() => {
              this.#acknowledging.state = "no";
              settle();
            }, ACK_PATIENCE)
          : undefined;
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        delete heard.listener;
        if (error === undefined) resolve();
        else reject(error);
      };
      heard.listener = () => {
        for (;;) {
          const found = unpackTextMap(heard.buffer);
          if (found === undefined) return;
          heard.buffer = heard.buffer.subarray(found.end);
          if (found.values["ack"] !== chunk) continue;
          this.#acknowledging.state = "yes";
          settle();
          return;
        }
      };
      this.#stream.onLost((error) => settle(error));
      if (this.#stream.lost !== undefined) settle(this.#stream.lost);
    });
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
    const fixed: Record<string, string> = {
      container_id: id,
      container_name: `/${info.name}`,
      ...chosenAttributes(info, options),
    };
    const acknowledging: Acknowledging = { state: settings.requestAck ? "yes" : "unknown" };
    const { retries, renewal } = settings;
    return {
      // The message without its last element, the options, which the connection adds.
      encode: ({ stream, text, time, piece }: LogLine): Buffer => {
        const pairs: Record<string, string> = {
          ...fixed,
          source: stream,
          ...(piece === undefined
            ? {}
            : {
                partial_message: "true",
                partial_id: piece.id,
                partial_ordinal: String(piece.ordinal),
                partial_last: String(piece.last),
              }),
        };
        const entries = Object.entries(pairs);
        return Buffer.concat([
          packArrayHead(4),
          tag,
          settings.subSecond ? packEventTime(time) : packUnsigned(Number(time / 1_000_000_000n)),
          packMapHead(entries.length + 1),
          ...entries.flatMap(([key, value]) => [packText(key), packText(value)]),
          packText("log"),
          packText(text),
        ]);
      },
      connect: async () => FluentSink.open(settings, acknowledging),
      connectsAtStart: !settings.async,
      retryWait: settings.retryWait,
      ...(retries === undefined ? {} : { retries }),
      batch: Math.min(defaultBatch, Math.max(1, settings.buffer)),
      ...(renewal === undefined ? {} : { renewal }),
    };
  },
};
