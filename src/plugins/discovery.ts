/**
 * Where plugins are found: sockets and specifications, in the folders that Docker looks into
 * (https://docs.docker.com/engine/extend/plugin_api/, "Plugin discovery").
 * @module
 */
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

/** How paths of the host are looked at; each throws if a file system doesn't answer. */
export interface PluginFiles {
  /** What is at each path, links followed; one at which there is nothing is not in the answer. */
  look(paths: readonly string[]): Promise<ReadonlyMap<string, "socket" | "file" | "other">>;
  /** What is in each folder; one that isn't there is not in the answer. */
  names(folders: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The content of a file. Throws if it can't be read. */
  read(path: string): Promise<Uint8Array>;
}

/**
 * The address of the plugin of this name; undefined: there is none.
 * @throws invalid-parameter for a specification that can't be read
 */
export async function findPlugin(
  name: string,
  files: PluginFiles,
  folders: PluginFolders = dockerFolders,
): Promise<PluginAddress | undefined> {
  if (!proper.test(name)) return undefined;
  const sockets = candidates(folders.sockets, name, ".sock");
  const specifications = folders.specifications.flatMap((folder) =>
    [".spec", ".json"].flatMap((ending) => candidates([folder], name, ending)),
  );
  const found = await files.look([...sockets, ...specifications]);
  const socket = sockets.find((path) => found.get(path) === "socket");
  if (socket !== undefined) return { socket };
  const path = specifications.find((each) => found.get(each) === "file");
  if (path === undefined) return undefined;
  try {
    const text = Buffer.from(await files.read(path)).toString("utf8");
    return path.endsWith(".json") ? parseJson(text) : parseAddress(text.trim());
  } catch (error) {
    throw failure("invalid-parameter", { message: `read plugin ${path}: ${messageOf(error)}` }, error);
  }
}

/** Names of everything that looks like a plugin in these folders, sorted. */
export async function pluginNames(
  files: PluginFiles,
  folders: PluginFolders = dockerFolders,
): Promise<string[]> {
  const endings = new Map<string, RegExp>([
    ...folders.sockets.map((folder) => [folder, /\.sock$/] as const),
    ...folders.specifications.map((folder) => [folder, /\.(spec|json)$/] as const),
  ]);
  const found = new Set<string>();
  const below: { readonly folder: string; readonly entry: string; readonly ending: RegExp }[] = [];
  for (const [folder, entries] of await files.names([...endings.keys()])) {
    const ending = endings.get(folder) ?? /$/;
    for (const entry of entries) {
      if (ending.test(entry)) found.add(entry.replace(ending, ""));
      else below.push({ folder: join(folder, entry), entry, ending });
    }
  }
  const deeper = await files.names(below.map(({ folder }) => folder));
  for (const { folder, entry, ending } of below)
    if (deeper.get(folder)?.some((file) => ending.test(file) && file.replace(ending, "") === entry) === true)
      found.add(entry);
  return [...found].filter((name) => proper.test(name)).toSorted();
}

/** `FOLDER/NAME.sock` and `FOLDER/NAME/NAME.sock`. */
function candidates(folders: readonly string[], name: string, ending: string): string[] {
  return folders.flatMap((folder) => [join(folder, name + ending), join(folder, name, name + ending)]);
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
