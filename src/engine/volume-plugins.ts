/**
 * Volumes of plugins (https://docs.docker.com/engine/extend/plugins_volume/): what a plugin is asked, and what it says.
 * @module
 */
import { failure, messageOf } from "../errors/mod.ts";
import { Plugins, type Plugin, type PluginFiles } from "../plugins/mod.ts";

/** Milliseconds for answers that somebody waits for who may not want this plugin at all. */
const QUICK = { deadline: 5000, pause: 250 };

type Options = Readonly<Record<string, string>>;

/** A volume as its plugin tells of it. */
export interface PluginVolume {
  readonly name: string;
  readonly mountpoint: string;
  readonly createdAt?: string;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A plugin's volumes, or why it told of none. */
export interface PluginList {
  readonly driver: string;
  readonly volumes: readonly PluginVolume[];
  readonly problem?: string;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readVolume(value: unknown): PluginVolume | undefined {
  if (!isObject(value)) return undefined;
  const { Name, Mountpoint, CreatedAt, Status } = value;
  if (textOf(Name) === "") return undefined;
  return {
    name: textOf(Name),
    mountpoint: textOf(Mountpoint),
    ...(textOf(CreatedAt) === "" ? {} : { createdAt: textOf(CreatedAt) }),
    ...(isObject(Status) ? { status: Status } : {}),
  };
}

/** The engine's line to plugins of volumes. Every call has a deadline. */
export class VolumePlugins {
  readonly #patient: Plugins;
  readonly #quick: Plugins;
  readonly #scopes = new Map<string, string>();

  constructor(files: PluginFiles) {
    this.#patient = new Plugins(files);
    this.#quick = new Plugins(files, undefined, QUICK);
  }

  /** The plugin `driver`. @throws not-found in Docker's words */
  async #plugin(driver: string, plugins: Plugins = this.#patient): Promise<Plugin> {
    try {
      return await plugins.get(driver, "VolumeDriver");
    } catch (error) {
      const message = `error looking up volume plugin ${driver}: ${messageOf(error)}`;
      throw failure("not-found", { message }, error);
    }
  }

  /** Whether the plugin's volumes are those of this host alone: `local` or `global`. */
  async scope(driver: string): Promise<string> {
    const known = this.#scopes.get(driver);
    if (known !== undefined) return known;
    const plugin = await this.#plugin(driver, this.#quick);
    const answer = await plugin.tryCall("VolumeDriver.Capabilities", {}).catch(() => undefined);
    const capabilities = answer?.["Capabilities"];
    const said = isObject(capabilities) ? textOf(capabilities["Scope"]).toLowerCase() : "";
    const scope = said === "global" ? "global" : "local";
    this.#scopes.set(driver, scope);
    return scope;
  }

  async create(driver: string, name: string, options: Options): Promise<void> {
    const plugin = await this.#plugin(driver);
    await plugin.call("VolumeDriver.Create", { Name: name, Opts: options });
  }

  async remove(driver: string, name: string): Promise<void> {
    const plugin = await this.#plugin(driver);
    await plugin.call("VolumeDriver.Remove", { Name: name });
  }

  /** What the plugin says of a volume. Throws if it doesn't know it or can't be asked. */
  async get(driver: string, name: string): Promise<PluginVolume> {
    const plugin = await this.#plugin(driver, this.#quick);
    const { Volume } = await plugin.call("VolumeDriver.Get", { Name: name });
    const volume = readVolume(Volume);
    if (volume !== undefined) return volume;
    throw failure("not-found", { message: "no such volume" });
  }

  /** Whether `get` would succeed; a plugin that can't be asked throws. */
  async has(driver: string, name: string): Promise<boolean> {
    const plugin = await this.#plugin(driver, this.#quick);
    try {
      const { Volume } = await plugin.call("VolumeDriver.Get", { Name: name });
      return readVolume(Volume) !== undefined;
    } catch {
      // It said so: plugins have no error for what isn't there.
      return false;
    }
  }

  /** Volumes of `drivers` and of all plugins that are found. A plugin that doesn't answer is left out, with its reason. */
  async list(drivers: readonly string[]): Promise<PluginList[]> {
    // Nobody asked for plugins in folders that don't answer.
    const found = await this.#quick.names().catch(() => []);
    const names = new Set([...drivers, ...found]);
    return (await Promise.all([...names].map((driver) => this.#listOf(driver, drivers)))).flat();
  }

  async #listOf(driver: string, wanted: readonly string[]): Promise<PluginList[]> {
    try {
      const plugin = await this.#plugin(driver, this.#quick);
      const { Volumes } = await plugin.call("VolumeDriver.List", {});
      const volumes = (Array.isArray(Volumes) ? Volumes : []).flatMap((entry) => readVolume(entry) ?? []);
      return [{ driver, volumes }];
    } catch (error) {
      // One that nobody has used may be of networks, or be left over.
      if (!wanted.includes(driver)) return [];
      return [{ driver, volumes: [], problem: `list ${driver}: ${messageOf(error)}` }];
    }
  }

  /** Where the volume is on the host now; the plugin counts `id` as one that uses it. */
  async mount(driver: string, name: string, id: string): Promise<string> {
    const plugin = await this.#plugin(driver);
    const { Mountpoint } = await plugin.call("VolumeDriver.Mount", { Name: name, ID: id });
    if (textOf(Mountpoint).startsWith("/")) return textOf(Mountpoint);
    throw failure("internal", {
      message: `plugin "${driver}" named no place where volume ${name} is mounted`,
    });
  }

  async unmount(driver: string, name: string, id: string): Promise<void> {
    const plugin = await this.#plugin(driver);
    await plugin.call("VolumeDriver.Unmount", { Name: name, ID: id });
  }
}
