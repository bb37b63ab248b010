/**
 * The driver `journald`: the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), unix datagrams.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { formatTime } from "../time.ts";
import { chosenAttributes, tagOf } from "./info.ts";
import { attributeOptions, defaultBatch, type LogLine, type RemoteDriver } from "./remote.ts";
import { openUnixDatagrams } from "./sinks.ts";

/** Where the journal listens. */
const SOCKET = "/run/systemd/journal/socket";
const PRIORITY = { stdout: "6", stderr: "3" };

/** A field: `NAME=value`, or with the length before a value that has line feeds. */
function field(name: string, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  if (!bytes.includes(0x0a)) return Buffer.concat([Buffer.from(`${name}=`), bytes, Buffer.from("\n")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from("\n")]);
}

/** Names of fields are upper case, digits and underlines, and don't begin with one. */
function fieldName(name: string): string {
  return name
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
    .replace(/[^A-Z0-9_]/gu, "_")
    .replace(/^_+/, "");
}

/** The driver, for the journal at `socket`. */
export function journaldAt(socket: string): RemoteDriver {
  return {
    options: new Set(attributeOptions),

    check: () => undefined,

    open(info, options) {
      const { id, config } = info.record;
      const tag = tagOf(info, options, "{{.ID}}");
      const fixed = Buffer.concat(
        Object.entries({
          CONTAINER_ID: id.slice(0, 12),
          CONTAINER_ID_FULL: id,
          CONTAINER_NAME: info.name,
          CONTAINER_TAG: tag,
          IMAGE_NAME: config.Image,
          SYSLOG_IDENTIFIER: tag,
          ...Object.fromEntries(
            Object.entries(chosenAttributes(info, options)).map(([key, value]) => [fieldName(key), value]),
          ),
        }).map(([name, value]) => field(name, value)),
      );
      return {
        encode: ({ stream, text, time, piece }: LogLine): Buffer =>
          Buffer.concat([
            field("PRIORITY", PRIORITY[stream]),
            fixed,
            field("SYSLOG_TIMESTAMP", formatTime(time)),
            ...(piece === undefined
              ? []
              : [
                  ...(piece.last ? [] : [field("CONTAINER_PARTIAL_MESSAGE", "true")]),
                  field("CONTAINER_PARTIAL_ID", piece.id),
                  field("CONTAINER_PARTIAL_ORDINAL", String(piece.ordinal)),
                  field("CONTAINER_PARTIAL_LAST", String(piece.last)),
                ]),
            field("MESSAGE", text),
          ]),
        connect: async (host) => {
          if (!(await host.has(socket)))
            throw failure("unavailable", { message: "journald is not enabled on this host" });
          return openUnixDatagrams(socket, () => host.session());
        },
        connectsAtStart: true,
        retryWait: 1000,
        batch: defaultBatch,
      };
    },
  };
}

export const journald: RemoteDriver = journaldAt(SOCKET);
