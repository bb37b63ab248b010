/**
 * daemon.json: read, held against the flags, and merged with them. Errors are dockerd's, to the word where it has some.
 * @module
 */
import { readFileSync } from "node:fs";
import { withoutCredentials } from "../engine/mod.ts";
import { failure, messageOf } from "../errors/mod.ts";
import { wholeObject } from "./daemon-json.ts";
import { keyOf, type DaemonSetting } from "./daemon-setting.ts";
import { wordsOf } from "./daemon-values.ts";
import { commandFailed } from "./failure-text.ts";
import { checkValue } from "./flag-values.ts";
import type { Flags } from "./flags.ts";
import { cut } from "./key-values.ts";

/** Flags and file as one, and which settings the file has. */
export interface MergedSettings {
  readonly flags: Flags;
  readonly fromFile: (name: string) => boolean;
  /** What is wrong with values is told so; the file's name comes into it if there is a file. */
  readonly checked: <T>(read: () => T) => T;
}

/** Where the configuration is. */
export interface ConfigFile {
  readonly path: string;
  /** It was named, so it must be there. */
  readonly named: boolean;
}

const both = "the following directives are specified both as a flag and in the configuration file";

/**
 * Reads the file and merges it with `flags`. A file that isn't there and wasn't named is an empty one.
 * @throws command-failed in dockerd's words: unreadable, no JSON, unknown keys, keys that are given as flags too
 */
export function mergeConfigFile(
  file: ConfigFile,
  settings: readonly DaemonSetting[],
  flags: Flags,
): MergedSettings {
  const text = readText(file);
  if (text === undefined) {
    return { flags, fromFile: () => false, checked: (read) => read() };
  }
  const wrongFile = (message: string, cause?: unknown): Error =>
    commandFailed(`unable to configure the Docker daemon with file ${file.path}: ${message}`, cause);
  let values: ReadonlyMap<string, readonly string[]>;
  try {
    values = valuesOf(text, settings, flags);
  } catch (error) {
    throw wrongFile(messageOf(error), error);
  }
  return {
    flags: flags.with(values),
    fromFile: (name) => values.has(name),
    checked: (read) => {
      try {
        return read();
      } catch (error) {
        throw wrongFile(
          `merged configuration validation from file and command line flags failed: ${messageOf(error)}`,
          error,
        );
      }
    },
  };
}

function readText({ path, named }: ConfigFile): string | undefined {
  if (path === "") return undefined;
  try {
    return decode(readFileSync(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && !named) return undefined;
    const reason = code === "ENOENT" ? `open ${path}: no such file or directory` : message;
    throw commandFailed(`unable to configure the Docker daemon with file ${path}: ${reason}`, error);
  }
}

/** UTF-8, or UTF-16 with a byte order mark: PowerShell writes such files. */
function decode(bytes: Uint8Array): string {
  const mark = Buffer.from(bytes.subarray(0, 2)).toString("hex");
  const encoding = mark === "fffe" ? "utf-16le" : mark === "feff" ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding, { fatal: true }).decode(bytes);
}

/** The words of each setting that the text has. */
function valuesOf(
  text: string,
  settings: readonly DaemonSetting[],
  flags: Flags,
): ReadonlyMap<string, readonly string[]> {
  if (text.trim() === "") return new Map();
  const given = flat(wholeObject(text));
  const byKey = new Map(
    settings.filter(({ only }) => only !== "flag").map((setting) => [keyOf(setting), setting] as const),
  );
  // The older name of the same setting, for one address.
  const gateway = byKey.get("host-gateway-ips");
  if (gateway !== undefined) byKey.set("host-gateway-ip", { ...gateway, json: "string" });
  const unknown = [...given.keys()].filter((key) => !byKey.has(key));
  if (unknown.length > 0) {
    throw wrong(`the following directives don't match any configuration option: ${unknown.join(", ")}`);
  }
  if (given.has("host-gateway-ip") && given.has("host-gateway-ips")) {
    throw wrong("host-gateway-ip and host-gateway-ips must not both be specified in the config file");
  }
  refuseBoth(given, byKey, flags);
  const values = new Map<string, readonly string[]>();
  for (const [key, value] of given) {
    const setting = byKey.get(key);
    // Go's decoder leaves a field alone that is null.
    if (setting === undefined || value === null) continue;
    values.set(setting.name, taken(setting, wordsOf(setting, key, value)));
  }
  return values;
}

/** The members of the file; those of `proxies` are settings of their own, as in dockerd. */
function flat(members: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> {
  const proxies = members.get("proxies");
  if (typeof proxies !== "object" || proxies === null || Array.isArray(proxies)) return members;
  const rest = [...members].filter(([key]) => key !== "proxies");
  return new Map([...rest, ...Object.entries(proxies)]);
}

function refuseBoth(
  given: ReadonlyMap<string, unknown>,
  byKey: ReadonlyMap<string, DaemonSetting>,
  flags: Flags,
): void {
  const conflicts = [...byKey]
    .filter(([key, { name }]) => given.has(key) && flags.has(name))
    .toSorted(([, a], [, b]) => (a.name < b.name ? -1 : 1))
    .map(([key, setting]) => {
      const mask = /^https?-proxy$/.test(key) ? withoutCredentials : (text: string): string => text;
      return `${key}: (from flag: ${mask(shownFlag(setting, flags))}, from file: ${mask(shown(given.get(key)))})`;
    });
  if (conflicts.length > 0) throw wrong(`${both}: ${conflicts.join(", ")}`);
}

/** A flag's value as pflag prints it. */
function shownFlag({ name, type, json }: DaemonSetting, flags: Flags): string {
  if (type === "bool") return String(flags.bool(name));
  if (type === "map") {
    const pairs = flags.list(name).map((word) => word.replace("=", ":"));
    return `map[${pairs.toSorted().join(" ")}]`;
  }
  if (json === "options-by-driver") {
    const drivers: Record<string, Record<string, string>> = {};
    for (const word of flags.list(name)) {
      const [driver, rest] = cut(word, "=");
      const [option, value] = cut(rest, "=");
      (drivers[driver] ??= {})[option] = value;
    }
    return shown(drivers);
  }
  if (type === "list" || type === "ulimit") return `[${flags.list(name).join(" ")}]`;
  return flags.string(name) ?? "";
}

/** A value of the file as Go's `%v` prints it. */
function shown(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(shown).join(" ")}]`;
  if (typeof value === "object") {
    const pairs = Object.entries(value as object).map(([key, item]) => `${key}:${shown(item)}`);
    return `map[${pairs.toSorted().join(" ")}]`;
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a flag checks while it is parsed holds for the file too. */
function taken(setting: DaemonSetting, words: readonly string[]): readonly string[] {
  return words.map((word) => {
    try {
      if (setting.json !== "any") checkValue(setting.type, word);
      if (setting.json === "any" || setting.checkedLate === true) return word;
      return setting.take?.(word) ?? word;
    } catch (error) {
      throw wrong(`invalid JSON: ${messageOf(error)}`);
    }
  });
}

function wrong(message: string): Error {
  return failure("usage", { message });
}
