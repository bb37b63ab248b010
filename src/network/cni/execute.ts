/**
 * Executing a list of CNI plugins (CNI specification 1.0.0, sections 2 to 4): ADD in order, each with the result of the
 * one before; DEL in the opposite order.
 * @module
 */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { failure } from "../../errors/mod.ts";
import { runHostProgram } from "../../kernel/mod.ts";
import type { CniList, CniPluginConfig } from "./config.ts";

/** Where plugins are, unless the engine's CNI_PATH says otherwise. */
const defaultPath = "/opt/cni/bin:/usr/lib/cni";
/** Milliseconds for one plugin. */
const deadline = 30_000;

/** A port as the capability `portMappings` has it. */
export interface CniPortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP?: string;
}

/** A container's place on the network. */
export interface CniAttachment {
  /** The container's id. */
  readonly container: string;
  /** `/proc/123/ns/net`; empty: it is gone, with all that was in it. */
  readonly namespace: string;
  readonly interface: string;
  readonly ports: readonly CniPortMapping[];
  /** `172.18.0.5/16` that the user asked for. */
  readonly addresses: readonly string[];
  readonly mac?: string;
}

type Result = Readonly<Record<string, unknown>>;

/**
 * Adds the container to the network.
 * @returns the last plugin's result
 * @throws internal with what the plugin says; what was made by then is left to {@link cniDelete}
 */
export async function cniAdd(list: CniList, attachment: CniAttachment): Promise<Result> {
  let result: Result | undefined;
  for (const plugin of list.plugins) result = await execute("ADD", list, plugin, attachment, result);
  return result ?? {};
}

/** Removes the container from the network. Every plugin is executed; the last error is thrown. */
export async function cniDelete(
  list: CniList,
  attachment: CniAttachment,
  result: Result | undefined,
): Promise<void> {
  let failed: unknown;
  for (const plugin of list.plugins.toReversed()) {
    try {
      await execute("DEL", list, plugin, attachment, result);
    } catch (error) {
      failed = error;
    }
  }
  if (failed !== undefined) throw failed;
}

/** What the plugin can be told at run time, if it says that it can. */
function runtimeConfig(
  { capabilities = {} }: CniPluginConfig,
  { ports, addresses, mac }: CniAttachment,
): Readonly<Record<string, unknown>> {
  return {
    ...(capabilities["portMappings"] === true && ports.length > 0 ? { portMappings: ports } : {}),
    ...(capabilities["ips"] === true && addresses.length > 0 ? { ips: addresses } : {}),
    ...(capabilities["mac"] === true && mac !== undefined ? { mac } : {}),
  };
}

async function execute(
  command: "ADD" | "DEL",
  list: CniList,
  plugin: CniPluginConfig,
  attachment: CniAttachment,
  previous: Result | undefined,
): Promise<Result> {
  const path = process.env["CNI_PATH"] ?? defaultPath;
  const { capabilities: _, ...own } = plugin;
  const runtime = runtimeConfig(plugin, attachment);
  const input = {
    ...own,
    name: list.name,
    cniVersion: list.cniVersion,
    ...(Object.keys(runtime).length === 0 ? {} : { runtimeConfig: runtime }),
    ...(previous === undefined ? {} : { prevResult: previous }),
  };
  const { code, stdout, stderr } = await runHostProgram(
    [findCniPlugin(plugin.type, path)],
    JSON.stringify(input),
    {
      deadline,
      environment: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: attachment.container,
        CNI_NETNS: attachment.namespace,
        CNI_IFNAME: attachment.interface,
        CNI_PATH: path,
        PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      },
    },
  );
  if (code === 0) return command === "DEL" ? {} : parse(stdout, plugin.type);
  const doing = `CNI plugin ${plugin.type}: ${command}`;
  throw failure("internal", { message: `${doing}: ${reasonOf(stdout, stderr, code)}` });
}

function findCniPlugin(type: string, path: string): string {
  for (const folder of path.split(":")) {
    if (!folder.startsWith("/")) continue;
    const file = join(folder, type);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // It may lie in the next one.
    }
  }
  throw failure("not-found", { message: `CNI plugin ${type} not found in ${path}` });
}

function parse(text: string, type: string): Result {
  try {
    return JSON.parse(text) as Result;
  } catch (error) {
    throw failure("internal", { message: `CNI plugin ${type}: its result is no JSON` }, error);
  }
}

/** The plugin's own words: an error object on stdout, or what it wrote to stderr. */
function reasonOf(stdout: string, stderr: string, code: number): string {
  try {
    const { msg, details } = JSON.parse(stdout) as { msg?: string; details?: string };
    if (typeof msg === "string") return details === undefined ? msg : `${msg}; ${details}`;
  } catch {
    // It failed before it could say why.
  }
  return stderr.trim() || `exit status ${code}`;
}
