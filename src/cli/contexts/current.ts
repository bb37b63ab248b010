/**
 * Which context a command works in, by docker's rules, and docker's file that remembers it.
 * @module
 */
import { commandFailed } from "../failure-text.ts";
import { fs } from "../builtins.ts";
import type { Flags } from "../flags.ts";
import { messageOf } from "../../errors/mod.ts";

/** The folder of docker's configuration. */
export function configurationFolder(globals: Flags, env: NodeJS.ProcessEnv = process.env): string {
  return globals.string("config") || env["DOCKER_CONFIG"] || `${env["HOME"] || "/root"}/.docker`;
}

/** Where the name of the current context came from. */
export interface CurrentContext {
  /** `default`: the host that flags and variables name, or this user's own engine. */
  readonly name: string;
  /** The variable that keeps the file's from counting. */
  readonly overriddenBy?: string;
}

/**
 * The context of a command: --context; the default when a host is named; DOCKER_CONTEXT; what `context use` has set.
 * @throws command-failed when both a host and a context are named by flags
 */
export function currentContext(globals: Flags, env: NodeJS.ProcessEnv = process.env): CurrentContext {
  const flag = globals.string("context") ?? "";
  const host = globals.has("host");
  if (flag !== "" && host)
    throw commandFailed("conflicting options: cannot specify both --host and --context");
  if (flag !== "") return { name: flag };
  if (host) return { name: "default" };
  const variable = ["CAISSON_HOST", "DOCKER_HOST"].find((name) => (env[name] ?? "") !== "");
  if (variable !== undefined) return { name: "default", overriddenBy: variable };
  return { name: env["DOCKER_CONTEXT"] || rememberedContext(configurationFolder(globals, env)) };
}

function rememberedContext(folder: string): string {
  const { currentContext: name } = readConfiguration(folder);
  return typeof name === "string" && name !== "" ? name : "default";
}

/** Remembers the context for commands from now on; all else in the file stays. */
export function rememberContext(folder: string, name: string): void {
  const { currentContext: _, ...rest } = readConfiguration(folder);
  const next = { auths: {}, ...rest, ...(name === "default" ? {} : { currentContext: name }) };
  const text = JSON.stringify(next, undefined, "\t");
  const named = `${folder}/config.json`;
  fs().mkdirSync(folder, { recursive: true, mode: 0o700 });
  // A link stays one: people keep this file among others of theirs.
  const path = fs().existsSync(named) ? fs().realpathSync(named) : named;
  if (name === "default" && !fs().existsSync(path)) return;
  const temporary = `${path}.${process.pid}`;
  fs().writeFileSync(temporary, text, { mode: 0o600 });
  fs().renameSync(temporary, path);
}

function readConfiguration(folder: string): Readonly<Record<string, unknown>> {
  const path = `${folder}/config.json`;
  let text: string;
  try {
    text = fs().readFileSync(path, "utf8");
  } catch {
    return {};
  }
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    throw commandFailed(`loading config file: ${path}: ${messageOf(error)}`, error);
  }
}
