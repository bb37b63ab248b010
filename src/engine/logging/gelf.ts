/**
 * The driver `gelf`: Graylog's format 1.1, over UDP in chunks, compressed, or over TCP.
 * @module
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { deflateSync, gzipSync } from "node:zlib";
import { failure, messageOf } from "../../errors/mod.ts";
import { chosenAttributes, commandOf, tagOf } from "./info.ts";
import { attributeOptions, defaultBatch, type LogLine, type LogSink, type RemoteDriver } from "./remote.ts";
import { openStream, openUdp } from "./sinks.ts";
import { parseUrl, splitHostPort, wrongOption } from "./values.ts";

type Options = Readonly<Record<string, string>>;

/** Bytes of a datagram, and of a chunk's head in it. */
const CHUNK = 1420;
const CHUNK_HEAD = 12;
const MOST_CHUNKS = 128;
const LEVEL = { stdout: 6, stderr: 3 };

interface Address {
  readonly network: "udp" | "tcp";
  readonly host: string;
  readonly port: number;
}

function addressOf(text: string): Address {
  if (text === "") throw wrongOption("gelf-address is a required parameter");
  const { scheme, host } = parseUrl(text);
  if (scheme !== "udp" && scheme !== "tcp") throw wrongOption("gelf: endpoint needs to be TCP or UDP");
  const { host: name, port } = splitHostPort(host);
  if (port === undefined) throw wrongOption("gelf: please provide gelf-address as proto://host:port");
  return { network: scheme, host: name === "" ? "localhost" : name, port: Number(port) };
}

function check(options: Options): Address {
  const address = addressOf(options["gelf-address"] ?? "");
  for (const [key, value] of Object.entries(options)) {
    const wrongValue = (): Error =>
      wrongOption(
        `unknown value ${JSON.stringify(value)} for log opt ${JSON.stringify(key)} for gelf log driver`,
      );
    switch (key) {
      case "gelf-compression-level":
        if (address.network !== "udp") throw wrongOption("compression is only supported on UDP");
        if (!/^[+-]?\d+$/.test(value) || Number(value) < -1 || Number(value) > 9) throw wrongValue();
        break;
      case "gelf-compression-type":
        if (address.network !== "udp") throw wrongOption("compression is only supported on UDP");
        if (!["gzip", "zlib", "none"].includes(value)) throw wrongValue();
        break;
      case "gelf-tcp-max-reconnect":
      case "gelf-tcp-reconnect-delay":
        if (address.network !== "tcp") throw wrongOption(`${JSON.stringify(key)} is only valid for TCP`);
        if (!/^\+?\d+$/.test(value)) throw wrongOption(`${JSON.stringify(key)} must be a positive integer`);
        break;
    }
  }
  return address;
}

/** A message as datagrams. One that needs too many chunks is none: Graylog takes no more. */
function datagrams(message: Buffer): readonly Buffer[] {
  if (message.length <= CHUNK) return [message];
  const size = CHUNK - CHUNK_HEAD;
  const count = Math.ceil(message.length / size);
  if (count > MOST_CHUNKS) return [];
  const id = randomBytes(8);
  return Array.from({ length: count }, (_, i) =>
    Buffer.concat([
      Buffer.of(0x1e, 0x0f),
      id,
      Buffer.of(i, count),
      message.subarray(i * size, (i + 1) * size),
    ]),
  );
}

export const gelf: RemoteDriver = {
  options: new Set([
    ...attributeOptions,
    "gelf-address",
    "gelf-compression-level",
    "gelf-compression-type",
    "gelf-tcp-max-reconnect",
    "gelf-tcp-reconnect-delay",
  ]),

  check,

  open(info, options) {
    const address = check(options);
    const { record, name } = info;
    const tag = tagOf(info, options, "{{.ID}}");
    const chosen = Object.entries(chosenAttributes(info, options)).map(
      ([key, value]) => [key.startsWith("_") ? key : `_${key}`, value] as const,
    );
    const host = hostname();
    const fixed = {
      _command: commandOf(info),
      _container_id: record.id,
      _container_name: name,
      _created: record.created,
      _image_id: record.imageId,
      _image_name: record.config.Image,
      _tag: tag,
      ...Object.fromEntries(chosen),
    };
    const level = Number(options["gelf-compression-level"] ?? "1");
    const type = options["gelf-compression-type"] ?? "gzip";
    const tcp = address.network === "tcp";
    const compress = (json: Buffer): Buffer =>
      type === "none" ? json : type === "zlib" ? deflateSync(json, { level }) : gzipSync(json, { level });
    const retries = options["gelf-tcp-max-reconnect"];
    return {
      encode: ({ stream, text, time }: LogLine): Buffer | undefined => {
        // Graylog refuses a message without text.
        if (text.length === 0) return undefined;
        const json = Buffer.from(
          JSON.stringify({
            version: "1.1",
            host,
            short_message: text.toString("utf8"),
            timestamp: Number(time / 1_000_000n) / 1000,
            level: LEVEL[stream],
            ...fixed,
          }),
        );
        return tcp ? Buffer.concat([json, Buffer.of(0)]) : compress(json);
      },
      connect: async (): Promise<LogSink> => {
        try {
          if (tcp) return await openStream({ network: "tcp", host: address.host, port: address.port });
          const udp = await openUdp(address.host, address.port);
          return { ...udp, send: async (messages) => udp.send(messages.flatMap(datagrams)) };
        } catch (error) {
          const where = `${address.host}:${address.port}`;
          throw failure(
            "unavailable",
            { message: `gelf: cannot connect to GELF endpoint: ${where} ${messageOf(error)}` },
            error,
          );
        }
      },
      connectsAtStart: true,
      retryWait: Number(options["gelf-tcp-reconnect-delay"] ?? "1") * 1000,
      ...(retries === undefined ? {} : { retries: Number(retries) }),
      batch: defaultBatch,
    };
  },
};
