/**
 * Where plugins are found: sockets and specifications, in the folders that Docker looks into
 * (https://docs.docker.com/engine/extend/plugin_api/, "Plugin discovery").
 * @module
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { failure, messageOf } from "../errors/mod.ts";

/** How a plugin is reached. */
export type PluginAddress =
  { readonly socket: string } | { readonly host: string; readonly port: number; readonly tls?: PluginTls };

/** What a connection over TLS is made with: paths of files. */
export interface PluginTls {
  readonly anyCertificate: boolean;
  readonly authorities?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** The folders that are searched, the first find counts. */
export interface PluginFolders {
  readonly sockets: readonly string[];
  readonly specifications: readonly string[];
}

/** Docker's. */
export const dockerFolders: PluginFolders = {
  sockets: ["/run/docker/plugins"],
  specifications: ["/etc/docker/plugins", "/usr/lib/docker/plugins"],
};

/** A name of one component that leads nowhere else. */
const proper = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/**
 * The address of the plugin of this name; undefined: there is none.
 * @throws invalid-parameter for a specification that can't be read
 */
export function findPlugin(name: string, folders: PluginFolders = dockerFolders): PluginAddress | undefined {
  if (!proper.test(name)) return undefined;
  for (const path of candidates(folders.sockets, name, ".sock")) {
    if (statSync(path, { throwIfNoEntry: false })?.isSocket() === true) return { socket: path };
  }
  for (const folder of folders.specifications) {
    for (const path of candidates([folder], name, ".spec")) {
      const text = readIfThere(path);
      if (text !== undefined) return inFile(path, () => parseAddress(text.trim()));
    }
    for (const path of candidates([folder], name, ".json")) {
      const text = readIfThere(path);
      if (text !== undefined) return inFile(path, () => parseJson(text));
    }
  }
  return undefined;
}

/** Names of everything that looks like a plugin in these folders, sorted. */
export function pluginNames(folders: PluginFolders = dockerFolders): string[] {
  const names = new Set<string>();
  const look = (folder: string, ending: RegExp): void => {
    for (const entry of filesOf(folder)) {
      const name = entry.replace(ending, "");
      if (name !== entry || filesOf(join(folder, entry)).some((file) => file.replace(ending, "") === entry))
        if (proper.test(name)) names.add(name);
    }
  };
  for (const folder of folders.sockets) look(folder, /\.sock$/);
  for (const folder of folders.specifications) look(folder, /\.(spec|json)$/);
  return [...names].toSorted();
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** `FOLDER/NAME.sock` and `FOLDER/NAME/NAME.sock`. */
function candidates(folders: readonly string[], name: string, ending: string): string[] {
  return folders.flatMap((folder) => [join(folder, name + ending), join(folder, name, name + ending)]);
}

function readIfThere(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
    ? readFileSync(path, "utf8")
    : undefined;
}

function inFile(path: string, read: () => PluginAddress): PluginAddress {
  try {
    return read();
  } catch (error) {
    throw failure("invalid-parameter", { message: `read plugin ${path}: ${messageOf(error)}` }, error);
  }
}

function parseAddress(text: string): PluginAddress {
  const wrong = (): never => {
    throw failure("invalid-parameter", { message: `${text} is no address of a plugin` });
  };
  const url = URL.canParse(text) ? new URL(text) : wrong();
  if (url.protocol === "unix:" && url.pathname.startsWith("/")) return { socket: url.pathname };
  // An address without a scheme of the web has no port of its own.
  const [, host = "", port = ""] = /^(?:tcp|http|https):\/\/(.+):(\d+)\/?$/.exec(text) ?? wrong();
  return {
    host: host.replaceAll(/[[\]]/g, ""),
    port: Number(port),
    ...(url.protocol === "https:" ? { tls: { anyCertificate: false } } : {}),
  };
}

interface Specification {
  readonly Addr?: string;
  readonly TLSConfig?: {
    readonly InsecureSkipVerify?: boolean;
    readonly CAFile?: string;
    readonly CertFile?: string;
    readonly KeyFile?: string;
  } | null;
}

function parseJson(text: string): PluginAddress {
  const { Addr = "", TLSConfig: tls } = JSON.parse(text) as Specification;
  const address = parseAddress(Addr);
  if ("socket" in address || tls === undefined || tls === null) return address;
  const { InsecureSkipVerify: any = false, CAFile = "", CertFile = "", KeyFile = "" } = tls;
  return {
    ...address,
    tls: {
      anyCertificate: any,
      ...(CAFile === "" ? {} : { authorities: CAFile }),
      ...(CertFile === "" ? {} : { certificate: CertFile }),
      ...(KeyFile === "" ? {} : { key: KeyFile }),
    },
  };
}
