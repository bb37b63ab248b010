/**
 * When a log is rotated, and what becomes of the older files.
 * @module
 */
import { inContext } from "../../errors/mod.ts";
import type { HostConfig } from "../container-types.ts";
import { parseInteger } from "../strconv.ts";
import { parseBool, parseBytes, wrongOption } from "./values.ts";

type LogConfig = HostConfig["LogConfig"];

/** A log's files. */
export interface Rotation {
  /** Bytes at which a file is full; 0: never. */
  readonly limit: number;
  /** How many there are, the current one included. */
  readonly files: number;
  /** Whether older ones are compressed. */
  readonly compress: boolean;
}

const DEFAULT_LIMIT = 20 * 1024 * 1024;
const DEFAULT_FILES = 5;
/** As much, but a container that waits for its server waits when two files are full. */
const DEFAULT_CACHE: Pick<Rotation, "limit" | "files"> = {
  limit: DEFAULT_LIMIT / 5,
  files: DEFAULT_FILES * 5,
};
/** The value of `max-size` by which a log has no end. */
const UNLIMITED = "unlimited";

/** How a container's log is rotated. @throws invalid-parameter in dockerd's words */
export function rotationOf({ Type: driver, Config: options }: LogConfig): Rotation {
  if (driver === "json-file") return jsonFileRotation(options);
  const prefix = driver === "local" ? "" : "cache-";
  const of = (name: string): string | undefined => options[`${prefix}${name}`];
  const rotation = localRotation(of("max-size"), of("max-file"), of("compress"), prefix);
  // One file is written while others are sent.
  if (driver === "local") return rotation;
  const isSaid = of("max-size") !== undefined || of("max-file") !== undefined;
  return isSaid ? { ...rotation, files: Math.max(2, rotation.files) } : { ...rotation, ...DEFAULT_CACHE };
}

/** Docker's own default has no end; a disk has one, so without a word of the user's there are five files of 20 MiB. */
function jsonFileRotation(options: LogConfig["Config"]): Rotation {
  const size = options["max-size"];
  const count = options["max-file"];
  const limit = size === undefined ? DEFAULT_LIMIT : size === UNLIMITED ? 0 : parseBytes(size, 1000);
  if (limit === 0 && size !== UNLIMITED) throw wrongOption("max-size must be a positive number");
  // Whoever names a size alone gets one file of it, as with Docker.
  const files = count !== undefined ? Number(parseInteger(count)) : size === undefined ? DEFAULT_FILES : 1;
  if (files < 1) throw wrongOption("max-file cannot be less than 1");
  const compress = options["compress"] !== undefined && parseBool(options["compress"]);
  if (compress && (files === 1 || size === undefined || size === UNLIMITED))
    throw wrongOption("compress cannot be true when max-file is less than 2 or max-size is not set");
  return { limit, files, compress };
}

function localRotation(
  size: string | undefined,
  count: string | undefined,
  compressed: string | undefined,
  prefix: string,
): Rotation {
  const read = <T>(name: string, text: string, parse: (text: string) => T): T => {
    try {
      return parse(text);
    } catch (error) {
      throw inContext(`invalid value for ${prefix}${name}: ${text}`, error);
    }
  };
  const limit = size === undefined ? DEFAULT_LIMIT : read("max-size", size, (text) => parseBytes(text, 1000));
  const files = count === undefined ? DEFAULT_FILES : Number(read("max-file", count, parseInteger));
  let compress = true;
  try {
    if (compressed !== undefined) compress = parseBool(compressed);
  } catch (error) {
    throw inContext(`error reading ${prefix}compress log option`, error);
  }
  if (limit === 0) throw wrongOption(`${prefix}max-size must be a positive number`);
  if (files < 1) throw wrongOption(`${prefix}max-file must not be negative`);
  if (prefix === "" && compress && files === 1)
    throw wrongOption("compression cannot be enabled when max file count is 1");
  return { limit, files, compress: compress && files > 1 };
}
