/**
 * Volumes: what outlives containers. Those of the driver `local` are folders below the data root, or what their options
 * name; those of plugins lie where the plugin says.
 * @module
 */
import { randomBytes } from "node:crypto";
import { failure, inContext, messageOf } from "../errors/mod.ts";
import { NEVER, type VolumeBacking } from "./container.ts";
import type { StateDatabase } from "./database.ts";
import type { Filters, Json, VolumeBody, Volumes } from "./engine.ts";
import type { EventLog } from "./events.ts";
import {
  booleanFilter,
  checkFilters,
  exactMatch,
  labelsMatch,
  patternFilter,
  pruneLabelsMatch,
} from "./filters.ts";
import { backingOf, boundFolder, checkLocalOptions } from "./local-volume-options.ts";
import { LocalVolumes, volumeNameForm } from "./local-volumes.ts";
import type { HostPaths } from "./host-paths.ts";
import type { EngineLog } from "./services.ts";
import { now, formatTime } from "./time.ts";
import { localJson, LOCAL, pluginJson, type VolumeRow } from "./volume-json.ts";
import { VolumePlugins } from "./volume-plugins.ts";
import { pluginFiles } from "./plugin-files.ts";
import { VolumeUses } from "./volume-uses.ts";

/** What a volume is made with, if there is none of its name. */
export interface VolumeWish {
  /** Undefined: whichever has the name, else `local`. */
  readonly driver?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
}

/** A volume that a container is about to use. */
export interface PreparedVolume {
  readonly name: string;
  readonly driver: string;
  /** Where its data lies on the host. */
  readonly path: string;
  /** What is mounted in place of its folder. */
  readonly backing?: VolumeBacking;
  /** Nothing is in it yet: it takes what the image has at its place. */
  readonly fresh: boolean;
  /** Writes its row if it is new; within the transaction that makes the container. */
  insert(): void;
  /** Nobody uses it after all: what was made goes, unless there is a row. */
  discard(): Promise<void>;
}

/** What volumes work with. */
export interface VolumeOptions {
  readonly database: StateDatabase;
  readonly dataRoot: string;
  readonly events: EventLog;
  /** IDs of the containers that have the volume. */
  readonly users: (name: string) => string[];
  readonly log: Pick<EngineLog, "error">;
  /** Bytes of the files in a folder. */
  readonly measure: (folder: string) => Promise<number>;
  readonly hostPaths: Pick<HostPaths, "isEmpty" | "look" | "names" | "read">;
  readonly plugins?: VolumePlugins;
}

/** Set on volumes that got no name; `docker volume prune` removes only those. */
const anonymousLabel = "com.docker.volume.anonymous";
const listFilters = new Set(["dangling", "name", "driver", "label"]);
const pruneFilters = new Set(["label", "label!", "all"]);

/** The engine's volumes. */
export class VolumeService implements Volumes {
  readonly #database: StateDatabase;
  readonly #local: LocalVolumes;
  readonly #events: EventLog;
  readonly #users: (name: string) => string[];
  readonly #rows = new Map<string, VolumeRow>();
  /** What is asked when a volume's driver is a plugin. */
  readonly plugins: VolumePlugins;
  /** Who has a plugin's volume mounted. */
  readonly uses: VolumeUses;
  readonly #measure: (folder: string) => Promise<number>;
  readonly #log: Pick<EngineLog, "error">;
  /** What an engine was about to remove that was killed. */
  readonly #removed = new Map<string, VolumeRow>();
  #pruning = false;

  constructor({ database, dataRoot, events, users, log, measure, hostPaths, plugins }: VolumeOptions) {
    this.#database = database;
    this.#local = new LocalVolumes(dataRoot, hostPaths);
    this.#events = events;
    this.#users = users;
    this.#measure = measure;
    this.#log = log;
    this.plugins = plugins ?? new VolumePlugins(pluginFiles(hostPaths));
    this.uses = new VolumeUses(database, this.plugins, log);
    for (const { name, data } of database.volumes()) {
      const row = JSON.parse(data) as VolumeRow;
      if (row.removed === true) this.#removed.set(name, row);
      else this.#rows.set(name, row);
    }
  }

  async list(filters: Filters): Promise<{ Volumes: Json[]; Warnings: string[] | null }> {
    checkFilters(filters, listFilters);
    const dangling = booleanFilter(filters, "dangling");
    const named = patternFilter(filters, "name");
    const { volumes, warnings } = await this.#all();
    const Volumes = volumes.filter(({ Name, Driver, Labels }) => {
      const name = String(Name);
      if (named?.(name) === false || !exactMatch(filters, "driver", String(Driver))) return false;
      if (!labelsMatch(filters, "label", Labels as VolumeRow["labels"])) return false;
      return dangling === undefined || dangling === (this.#users(name).length === 0);
    });
    return { Volumes, Warnings: warnings.length === 0 ? null : warnings };
  }

  /** All volumes: those that there are rows of, and those that plugins tell of. */
  async #all(): Promise<{ readonly volumes: Json[]; readonly warnings: string[] }> {
    const volumes: Json[] = [];
    const drivers = new Set<string>();
    for (const [name, row] of this.#rows) {
      if (row.driver === undefined) volumes.push(localJson(name, row, this.#local.path(name)));
      else drivers.add(row.driver);
    }
    const warnings: string[] = [];
    for (const { driver, volumes: theirs, problem } of await this.plugins.list([...drivers])) {
      if (problem === undefined) {
        const scope = await this.plugins.scope(driver);
        for (const { name, mountpoint } of theirs) {
          const row = this.#rows.get(name);
          // Whoever had the name first has it.
          if (row !== undefined && row.driver !== driver) continue;
          volumes.push(pluginJson(driver, name, scope, row, { mountpoint }));
        }
        continue;
      }
      warnings.push(problem);
      for (const [name, row] of this.#rows)
        if (row.driver === driver) volumes.push(pluginJson(driver, name, "local", row, { mountpoint: "" }));
    }
    return { volumes, warnings };
  }

  async create({ Name, Driver, Labels, DriverOpts }: VolumeBody): Promise<Json> {
    const volume = await this.prepare(Name || undefined, {
      ...(Driver === undefined || Driver === "" ? {} : { driver: Driver }),
      ...(Labels === undefined || Labels === null ? {} : { labels: Labels }),
      ...(DriverOpts === undefined || DriverOpts === null ? {} : { options: DriverOpts }),
    });
    try {
      volume.insert();
    } catch (error) {
      await volume.discard();
      throw error;
    }
    return this.inspect(volume.name);
  }

  async inspect(name: string): Promise<Json> {
    const row = this.#rows.get(name) ?? (await this.#adopt(name));
    if (row.driver === undefined) return localJson(name, row, this.#local.path(name));
    try {
      const { mountpoint, createdAt, status } = await this.plugins.get(row.driver, name);
      const scope = await this.plugins.scope(row.driver);
      return pluginJson(row.driver, name, scope, row, {
        mountpoint,
        createdAt: createdAt ?? NEVER,
        status: status ?? {},
      });
    } catch (error) {
      throw inContext(`get ${name}`, error);
    }
  }

  /** A volume that a plugin has and nobody here has made. */
  async #adopt(name: string): Promise<VolumeRow> {
    const lists = await this.plugins.list([]);
    const list = lists.find(({ volumes }) => volumes.some((volume) => volume.name === name));
    if (list === undefined) throw failure("no-such-volume", { name });
    return { created: "", labels: null, options: null, driver: list.driver };
  }

  async remove(name: string, force: boolean): Promise<void> {
    const row = this.#rows.get(name) ?? (await this.#adopt(name).catch(() => undefined));
    if (row === undefined) {
      if (force) return;
      throw failure("no-such-volume", { name });
    }
    const users = this.#users(name);
    if (users.length > 0)
      throw failure("conflict", { message: `remove ${name}: volume is in use - [${users.join(", ")}]` });
    if (row.driver !== undefined) {
      await this.uses.ended(name);
      await this.plugins.remove(row.driver, name).catch((error: unknown) => {
        // What can't be asked is forgotten all the same, if that is wanted.
        if (!force) throw inContext(`remove ${name}`, error);
      });
    }
    await this.#delete(name, row.driver);
  }

  /**
   * Has a volume be gone together with `container`, whose row is deleted in the same transaction: unless another one uses it,
   * or it has a name by now. {@link removeAnonymous} follows.
   */
  condemnAnonymous(name: string, container: string): void {
    const row = this.#rows.get(name);
    if (row !== undefined && this.#isAnonymous(name) && this.#users(name).every((user) => user === container))
      this.#condemn(name, row);
  }

  /** Removes a volume whose container is gone: unless another one uses it, or it has a name by now. */
  async removeAnonymous(name: string): Promise<void> {
    if (this.#isAnonymous(name) && this.#users(name).length === 0) await this.remove(name, false);
  }

  /** Written before anything is done: the next engine goes on with it. */
  #condemn(name: string, row: VolumeRow): void {
    this.#database.setVolume(name, JSON.stringify({ ...row, removed: true }));
  }

  /** Empties a volume's folder. */
  async empty(name: string): Promise<void> {
    // That would be somebody else's.
    if (this.#local.isMountedOver(name)) return;
    const finish = this.#local.take(name);
    this.#local.ensure(name);
    await finish();
  }

  async prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }> {
    checkFilters(filters, pruneFilters);
    const all = wantsAll(filters);
    if (this.#pruning) throw failure("conflict", { message: "a prune operation is already running" });
    this.#pruning = true;
    try {
      const VolumesDeleted: string[] = [];
      let SpaceReclaimed = 0;
      for (const [name, row] of this.#rows) {
        if (!isPlain(row) || !pruneLabelsMatch(filters, row.labels)) continue;
        if (!(all || this.#isAnonymous(name)) || this.#users(name).length > 0) continue;
        const size = Math.max(0, await this.#size(name));
        // A container may have taken it in the meantime.
        if (this.#users(name).length > 0 || !this.#rows.has(name)) continue;
        await this.#delete(name);
        VolumesDeleted.push(name);
        SpaceReclaimed += size;
      }
      this.#publish("prune", "", { reclaimed: String(SpaceReclaimed) });
      return { VolumesDeleted, SpaceReclaimed };
    } finally {
      this.#pruning = false;
    }
  }

  /** Bytes; -1, as Docker says it, if they can't be counted. */
  async #size(name: string): Promise<number> {
    try {
      return await this.#measure(this.#local.path(name));
    } catch (error) {
      this.#log.error(`measure volume ${name}: ${messageOf(error)}`, { error });
      return -1;
    }
  }

  /** Volumes with their sizes and numbers of users, for `docker system df`: those whose space is this host's. */
  async usage(): Promise<Json[]> {
    const volumes: Json[] = [];
    for (const [name, row] of this.#rows) {
      if (!isPlain(row)) continue;
      const Size = await this.#size(name);
      if (this.#rows.get(name) !== row) continue;
      volumes.push({
        ...localJson(name, row, this.#local.path(name)),
        UsageData: { RefCount: this.#users(name).length, Size },
      });
    }
    return volumes;
  }

  /** Whether somebody has mounted something in the folder of a volume of the driver `local`. */
  isMountedOver(name: string): boolean {
    return this.#local.isMountedOver(name);
  }

  /** Where a volume of the driver `local` has its folder, or would have it. */
  localPath(name: string): string {
    return this.#local.path(name);
  }

  /** What will be mounted in place of a volume's folder, as far as it is known before it is made. */
  backing(name: string | undefined, options: Readonly<Record<string, string>>): VolumeBacking | undefined {
    const row = name === undefined ? undefined : this.#rows.get(name);
    if (row?.driver !== undefined) return undefined;
    return backingOf(row === undefined ? options : row.options);
  }

  /**
   * Makes what a volume needs where there is none of this name; without a name an anonymous one. Its row is written by
   * whoever gets it.
   * @throws invalid-parameter, conflict, not-found in Docker's words
   */
  async prepare(given: string | undefined, wish: VolumeWish = {}): Promise<PreparedVolume> {
    const name = given ?? newName();
    const driver = wish.driver ?? this.#rows.get(name)?.driver ?? LOCAL;
    try {
      await this.#checkConflict(name, driver);
      const known = this.#rows.get(name);
      const { options, labels } = known ?? { options: wish.options ?? null, labels: wish.labels ?? null };
      const own = given === undefined ? { ...labels, [anonymousLabel]: "" } : labels;
      const row: VolumeRow = {
        created: seconds(),
        labels: own,
        options,
        ...(driver === LOCAL ? {} : { driver }),
      };
      const insert = (): void => this.#insert(name, row);
      if (driver !== LOCAL) {
        if (known === undefined) await this.plugins.create(driver, name, options ?? {});
        const nothing = async (): Promise<void> => undefined;
        return { name, driver, path: "", fresh: false, insert, discard: nothing };
      }
      if (known === undefined) checkNewVolume(name, options);
      const backing = backingOf(options);
      const discard = async (): Promise<void> => {
        if (!this.#rows.has(name)) await this.#local.discard(name);
      };
      const empty = await this.#local.prepare(name, known === undefined).catch(async (error: unknown) => {
        await discard();
        throw error;
      });
      const fresh = empty && (backing === undefined || boundFolder(backing) !== undefined);
      const path = this.#local.path(name);
      const made = { name, driver, path, fresh, insert, discard };
      return { ...made, ...(backing === undefined ? {} : { backing }) };
    } catch (error) {
      throw messageOf(error).startsWith("create ") ? error : inContext(`create ${name}`, error);
    }
  }

  /** A name belongs to one driver. What a plugin doesn't have any more is forgotten, unless containers have it. */
  async #checkConflict(name: string, driver: string): Promise<void> {
    const known = this.#rows.get(name);
    if (known === undefined) return;
    const conflict = (why: string): never => {
      throw failure("conflict", { message: `${why}: volume name must be unique` });
    };
    const theirs = known.driver ?? LOCAL;
    if (driver !== LOCAL && driver !== theirs) await this.plugins.scope(driver);
    if (theirs === LOCAL || (await this.plugins.has(theirs, name))) {
      if (theirs !== driver) conflict(`driver '${theirs}' already has volume '${name}'`);
      return;
    }
    if (this.#users(name).length > 0)
      conflict(
        `found references to volume '${name}' in driver '${theirs}' but the volume was not found in the driver -- you may need to remove containers referencing this volume or force remove the volume to re-create it`,
      );
    this.#forget(name);
  }

  #forget(name: string): void {
    this.#database.deleteVolume(name);
    this.#rows.delete(name);
  }

  #insert(name: string, row: VolumeRow): void {
    if (row.driver === undefined) this.#local.ensure(name);
    if (this.#rows.has(name)) return;
    this.#database.insertVolume(name, JSON.stringify(row));
    this.#rows.set(name, row);
    // The transaction that this belongs to ends in this turn; if it was rolled back there is no volume.
    queueMicrotask(() => {
      if (this.#database.volumes().some((volume) => volume.name === name))
        this.#publish("create", name, { driver: row.driver ?? LOCAL });
      else this.#rows.delete(name);
    });
  }

  /** The name is free at once; what lies in the folder is deleted after it got another name. */
  async #delete(name: string, driver?: string): Promise<void> {
    if (driver === undefined) this.#local.requireOwn(name);
    const row = this.#rows.get(name);
    if (row !== undefined) this.#condemn(name, row);
    const finish = driver === undefined ? this.#local.take(name) : undefined;
    this.#forget(name);
    this.#publish("destroy", name, { driver: driver ?? LOCAL });
    await finish?.();
  }

  /**
   * Cleans up after an engine that was killed: what it was about to remove is removed. A folder with data that no row names
   * becomes a volume, as in dockerd.
   */
  async sweep(): Promise<void> {
    for (const [name, row] of this.#removed) {
      const { driver } = row;
      // Somebody took it in the last moment.
      if (this.#users(name).length > 0) {
        const { removed: _, ...kept } = row;
        this.#rows.set(name, kept);
        this.#database.setVolume(name, JSON.stringify(kept));
        continue;
      }
      if (driver === undefined) await this.#local.take(name)();
      // Nobody waits for a plugin. What it refuses it tells of in its list, as a volume that nobody here has made.
      else
        void this.plugins.remove(driver, name).catch((error: unknown) => this.#log.error(messageOf(error)));
      this.#forget(name);
    }
    this.#removed.clear();
    for (const name of await this.#local.sweep((known) => this.#rows.has(known)))
      this.#insert(name, { created: seconds(), labels: null, options: null });
  }

  /** Makes folders again that a power loss has taken; the names of their volumes. */
  restore(): string[] {
    return [...this.#rows].flatMap(([name, { driver }]) =>
      driver === undefined && this.#local.ensure(name) ? [name] : [],
    );
  }

  #isAnonymous(name: string): boolean {
    return Object.hasOwn(this.#rows.get(name)?.labels ?? {}, anonymousLabel);
  }

  #publish(Action: string, ID: string, Attributes: Readonly<Record<string, string>>): void {
    this.#events.publish({ Type: "volume", Action, Actor: { ID, Attributes } });
  }
}

/** Whether all that is in the volume lies in its folder. */
function isPlain({ driver, options }: VolumeRow): boolean {
  return driver === undefined && Object.keys(options ?? {}).length === 0;
}

function newName(): string {
  return randomBytes(32).toString("hex");
}

/** Now, as Docker has it here: without a fraction. */
function seconds(): string {
  const time = now();
  return formatTime(time - (time % 1_000_000_000n));
}

function checkNewVolume(name: string, options: VolumeRow["options"]): void {
  const wrong = (why: string): never => {
    throw failure("invalid-parameter", { message: `create ${name}: ${why}` });
  };
  if (name.length === 1)
    wrong("volume name is too short, names should be at least two alphanumeric characters");
  if (!volumeNameForm.test(name))
    wrong(
      `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  // The longest name of a file.
  if (name.length > 255) wrong("volume name is too long, names should be at most 255 characters");
  checkLocalOptions(name, options ?? {});
}

const truths = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const falsehoods = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** Whether `all` asks for volumes with names, too. */
function wantsAll(filters: Filters): boolean {
  const values = filters.get("all") ?? [];
  const [value] = values;
  if (value === undefined) return false;
  const wrong = (message: string): never => {
    throw failure("invalid-parameter", { message });
  };
  if (values.length > 1) wrong(`invalid filter 'all=[${values.join(" ")}]': only one value is expected`);
  if (truths.has(value)) return true;
  if (falsehoods.has(value)) return false;
  return wrong(`invalid filter 'all': strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}
