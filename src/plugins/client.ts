/**
 * Calls of a plugin: JSON by POST (https://docs.docker.com/engine/extend/plugin_api/). Each has a deadline, so that a
 * plugin that hangs delays only whoever asked.
 * @module
 */
import { request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest, type RequestOptions as HttpsRequestOptions } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { failure, goQuoted, messageOf } from "../errors/mod.ts";
import {
  dockerFolders,
  findPlugin,
  pluginNames,
  type PluginAddress,
  type PluginFiles,
  type PluginFolders,
} from "./discovery.ts";

const accepted = "application/vnd.docker.plugins.v1.2+json";
/** Bytes of an answer that are read. */
const longestAnswer = 4 << 20;
const NOT_FOUND = 404;
const OK = 200;

/** What a plugin implements. */
export type PluginKind = "NetworkDriver" | "IpamDriver" | "VolumeDriver";

/** How long plugins may take; milliseconds. */
export interface PluginPatience {
  /** For one call, with all its tries. */
  readonly deadline: number;
  /** Until the second try to reach a plugin that isn't there; twice as long before each further one. */
  readonly pause: number;
}

/** Docker's. */
const dockerPatience: PluginPatience = { deadline: 30_000, pause: 1000 };

interface Answered {
  readonly status: number;
  readonly text: string;
}

/** A plugin that was found. */
export class Plugin {
  readonly name: string;
  readonly #address: PluginAddress;
  readonly #files: PluginFiles;
  readonly #patience: PluginPatience;

  constructor(
    name: string,
    address: PluginAddress,
    files: PluginFiles,
    patience: PluginPatience = dockerPatience,
  ) {
    this.name = name;
    this.#address = address;
    this.#files = files;
    this.#patience = patience;
  }

  /**
   * Calls `METHOD`, as in `NetworkDriver.Join`.
   * @returns the answer; undefined if the plugin doesn't know the method
   * @throws internal: the plugin's own `Err` in Docker's words, or that it can't be reached or is too slow
   */
  async tryCall(method: string, body: object): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { status, text } = await this.#reach(method, JSON.stringify(body));
    if (status === NOT_FOUND) return undefined;
    const answer = parseAnswer(text);
    const error = textOf(answer?.["Err"]) || textOf(answer?.["Error"]);
    if (status !== OK) {
      const why = error === "" ? text.trim() || `status ${status}` : error;
      throw failure("internal", { message: `${method}: ${why}` });
    }
    if (answer === undefined) {
      throw failure("internal", { message: `plugin "${this.name}" answered ${method} with no JSON object` });
    }
    // Docker tells what plugins of volumes say as it is.
    const source = method.startsWith("VolumeDriver.") ? "" : "remote: ";
    if (error !== "") throw failure("internal", { message: `${source}${error}` });
    return answer;
  }

  /** The same; a plugin must know the method. */
  async call(method: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.tryCall(method, body);
    if (answer !== undefined) return answer;
    throw failure("internal", { message: `plugin "${this.name}" does not implement ${method}` });
  }

  /** Tries until the plugin is there or time is up. */
  async #reach(method: string, body: string): Promise<Answered> {
    const { deadline, pause } = this.#patience;
    const end = performance.now() + deadline;
    for (let wait = pause; ; wait *= 2) {
      try {
        const way = await wayTo(this.#address, this.#files);
        return await this.#send(way, method, body, end - performance.now());
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "";
        const absent = ["ECONNREFUSED", "ENOENT", "FailedToOpenSocket", "ConnectionRefused"].includes(code);
        if (!absent || performance.now() + wait > end) {
          const message = `plugin "${this.name}" did not answer ${method}: ${messageOf(error)}`;
          throw failure("internal", { message }, error);
        }
        await sleep(wait);
      }
    }
  }

  #send(way: RequestOptions, method: string, body: string, patience: number): Promise<Answered> {
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const address = this.#address;
    const options: RequestOptions = {
      method: "POST",
      path: `/${method}`,
      headers: {
        Accept: accepted,
        "Content-Type": accepted,
        "Content-Length": Buffer.byteLength(body),
        Host: "plugin",
      },
      ...way,
    };
    const send = "tls" in address && address.tls !== undefined ? httpsRequest : httpRequest;
    const outgoing = send(options, (incoming) => {
      const chunks: Buffer[] = [];
      let length = 0;
      incoming.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > longestAnswer) outgoing.destroy();
        else chunks.push(chunk);
      });
      incoming.on("end", () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
      incoming.on("error", reject);
    });
    const timer = setTimeout(() => {
      reject(failure("internal", { message: "it took too long" }));
      outgoing.destroy();
    }, patience);
    outgoing.on("error", reject);
    outgoing.on("close", () => reject(failure("internal", { message: "it closed the connection" })));
    outgoing.end(body);
    return promise.finally(() => clearTimeout(timer));
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** How to connect. Nothing is tried at a socket whose file system doesn't answer. */
async function wayTo(address: PluginAddress, files: PluginFiles): Promise<HttpsRequestOptions> {
  if ("socket" in address) {
    await files.look([address.socket]);
    return { socketPath: address.socket };
  }
  const { host, port, tls } = address;
  if (tls === undefined) return { host, port };
  const read = async (path: string): Promise<Buffer> => Buffer.from(await files.read(path));
  const { anyCertificate, authorities, certificate, key } = tls;
  return {
    host,
    port,
    rejectUnauthorized: !anyCertificate,
    ...(authorities === undefined ? {} : { ca: await read(authorities) }),
    ...(certificate === undefined ? {} : { cert: await read(certificate) }),
    ...(key === undefined ? {} : { key: await read(key) }),
  };
}

function parseAnswer(text: string): Readonly<Record<string, unknown>> | undefined {
  // Methods that answer nothing may do so literally.
  if (text.trim() === "" || text.trim() === "null") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Plugins by name: found and asked what they implement when somebody needs one first. */
export class Plugins {
  readonly #files: PluginFiles;
  readonly #folders: PluginFolders;
  readonly #patience: PluginPatience;
  readonly #active = new Map<string, Promise<{ plugin: Plugin; kinds: readonly string[] }>>();

  constructor(
    files: PluginFiles,
    folders: PluginFolders = dockerFolders,
    patience: PluginPatience = dockerPatience,
  ) {
    this.#files = files;
    this.#folders = folders;
    this.#patience = patience;
  }

  /** Names of plugins that can be found, whatever they implement. */
  names(): Promise<string[]> {
    return pluginNames(this.#files, this.#folders);
  }

  /**
   * The plugin of this name.
   * @throws not-found in Docker's words; internal if it can't be reached or implements something else
   */
  async get(name: string, kind: PluginKind): Promise<Plugin> {
    const address = await findPlugin(name, this.#files, this.#folders);
    if (address === undefined) {
      throw failure("not-found", { message: `plugin ${goQuoted(name)} not found` });
    }
    const key = `${name} ${JSON.stringify(address)}`;
    let active = this.#active.get(key);
    if (active === undefined) {
      active = activate(new Plugin(name, address, this.#files, this.#patience));
      this.#active.set(key, active);
      active.catch(() => this.#active.delete(key));
    }
    const { plugin, kinds } = await active;
    if (kinds.includes(kind)) return plugin;
    throw failure("internal", { message: "Plugin does not implement the requested driver" });
  }
}

async function activate(plugin: Plugin): Promise<{ plugin: Plugin; kinds: readonly string[] }> {
  const { Implements: kinds } = await plugin.call("Plugin.Activate", {});
  return { plugin, kinds: Array.isArray(kinds) ? kinds.map(String) : [] };
}
