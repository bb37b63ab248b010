/**
 * Lists of CNI plugins: found, read, checked (CNI specification 1.0.0, section 1).
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { failure, messageOf } from "../../errors/mod.ts";

/** Where lists lie that are named by the network alone. */
export const cniConfigFolder = "/etc/cni/net.d";

/** What one plugin is given, as it is in the file. */
export interface CniPluginConfig {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [key: string]: unknown;
}

/** A list of plugins. */
export interface CniList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly CniPluginConfig[];
}

/** Versions whose results are understood: 0.3.0 to 1.1.0 differ in nothing that is read here. */
const versions: ReadonlySet<string> = new Set(["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]);

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

/**
 * The list that a new network is made by: the file that its option `config` names, or the one in the folder of CNI whose
 * list has the network's name. `*.conf` and `*.json` are of one plugin.
 * @throws invalid-parameter: there is none, or it can't be used
 */
export function findCniList(
  network: { readonly name: string; readonly options: Readonly<Record<string, string>> },
  folder: string = cniConfigFolder,
): CniList {
  const { config } = network.options;
  if (config !== undefined) return readList(config);
  for (const file of listFiles(folder)) {
    const path = join(folder, file);
    let list: CniList;
    try {
      list = readList(path);
    } catch {
      // Somebody else's file, which has nothing to do with this network.
      continue;
    }
    if (list.name === network.name) return list;
  }
  return refuse(
    `network ${network.name} names no configuration of CNI (option config=FILE), and ${folder} has none of this name`,
  );
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => /\.(?:conflist|conf|json)$/.test(file))
      .sort();
  } catch {
    return [];
  }
}

function readList(path: string): CniList {
  if (!path.startsWith("/")) refuse(`read CNI configuration ${path}: the path is not absolute`);
  try {
    return parseCniList(readFileSync(path, "utf8"));
  } catch (error) {
    return refuse(`read CNI configuration ${path}: ${messageOf(error)}`);
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads a list, or the configuration of one plugin.
 * @throws invalid-parameter with what is wrong
 */
export function parseCniList(text: string): CniList {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) return refuse("it is no JSON object");
  const { name, cniVersion = "0.1.0", plugins = [value] } = value;
  if (typeof name !== "string" || name === "") return refuse("it has no name");
  if (typeof cniVersion !== "string" || !versions.has(cniVersion)) {
    return refuse(`version ${String(cniVersion)} of CNI is not supported (${[...versions].join(", ")} are)`);
  }
  if (!Array.isArray(plugins) || plugins.length === 0) return refuse("it has no plugins");
  return { name, cniVersion, plugins: plugins.map(readPlugin) };
}

function readPlugin(value: unknown): CniPluginConfig {
  if (!isObject(value) || typeof value["type"] !== "string") return refuse("a plugin has no type");
  const { type } = value;
  // It names a program of CNI's folders, and nothing else of the host.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(type)) return refuse(`${type} is no type of a plugin`);
  return { ...value, type };
}
