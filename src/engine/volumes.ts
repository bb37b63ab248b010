/**
 * Volumes: folders below the data root that outlive containers. Only Docker's local driver without options.
 * @module
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { failure } from "../errors/mod.ts";
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
import { now, formatTime } from "./time.ts";
import { folderSize } from "./volume-size.ts";

/** What the database keeps of a volume, beside its name. */
interface VolumeRow {
  readonly created: string;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
}

/** A volume that a container is about to use. */
export interface PreparedVolume {
  readonly name: string;
  /** Where its data lies on the host. */
  readonly path: string;
  /** Nothing is in it yet: it takes what the image has at its place. */
  readonly fresh: boolean;
  /** Writes its row if it is new; within the transaction that makes the container. */
  insert(): void;
}

/** What volumes work with. */
export interface VolumeOptions {
  readonly database: StateDatabase;
  readonly dataRoot: string;
  readonly events: EventLog;
  /** IDs of the containers that have the volume. */
  readonly users: (name: string) => string[];
}

/** Set on volumes that got no name; `docker volume prune` removes only those. */
const anonymousLabel = "com.docker.volume.anonymous";
const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** No volume has such a name. */
const removedPrefix = ".removed-";
const knownOptions = new Set(["type", "o", "device", "size"]);
const listFilters = new Set(["dangling", "name", "driver", "label"]);
const pruneFilters = new Set(["label", "label!", "all"]);
/** Nobody but the owner lists them; containers' ids pass through. */
const folderMode = 0o701;
const dataMode = 0o755;

/** The engine's volumes. */
export class VolumeService implements Volumes {
  readonly #database: StateDatabase;
  readonly #root: string;
  readonly #events: EventLog;
  readonly #users: (name: string) => string[];
  readonly #rows = new Map<string, VolumeRow>();
  #pruning = false;

  constructor({ database, dataRoot, events, users }: VolumeOptions) {
    this.#database = database;
    this.#root = join(dataRoot, "volumes");
    this.#events = events;
    this.#users = users;
    mkdirSync(this.#root, { recursive: true, mode: folderMode });
    for (const { name, data } of database.volumes()) this.#rows.set(name, JSON.parse(data) as VolumeRow);
  }

  async list(filters: Filters): Promise<{ Volumes: Json[]; Warnings: string[] | null }> {
    checkFilters(filters, listFilters);
    const dangling = booleanFilter(filters, "dangling");
    const named = patternFilter(filters, "name");
    const Volumes: Json[] = [];
    for (const [name, row] of this.#rows) {
      if (named?.(name) === false || !exactMatch(filters, "driver", "local")) continue;
      if (!labelsMatch(filters, "label", row.labels)) continue;
      if (dangling !== undefined && dangling !== (this.#users(name).length === 0)) continue;
      Volumes.push(this.#json(name, row));
    }
    return { Volumes, Warnings: null };
  }

  async create(body: VolumeBody): Promise<Json> {
    const options = body.DriverOpts ?? null;
    if (body.Driver !== undefined && body.Driver !== "" && body.Driver !== "local") {
      const name = body.Name || newName();
      const why = `error looking up volume plugin ${body.Driver}: plugin "${body.Driver}" not found`;
      throw failure("not-found", { message: `create ${name}: ${why}` });
    }
    const volume = await this.#prepare(body.Name || undefined, body.Labels ?? null, options);
    volume.insert();
    return this.inspect(volume.name);
  }

  async inspect(name: string): Promise<Json> {
    const row = this.#rows.get(name);
    if (row === undefined) throw failure("no-such-volume", { name });
    return this.#json(name, row);
  }

  async remove(name: string, force: boolean): Promise<void> {
    if (!this.#rows.has(name)) {
      if (force) return;
      throw failure("no-such-volume", { name });
    }
    const users = this.#users(name);
    if (users.length > 0)
      throw failure("conflict", { message: `remove ${name}: volume is in use - [${users.join(", ")}]` });
    await this.#delete(name);
  }

  /** Removes a volume together with its container: unless another one uses it, or it has a name by now. */
  async removeAnonymous(name: string): Promise<void> {
    if (this.#isAnonymous(name) && this.#users(name).length === 0) await this.#delete(name);
  }

  async prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }> {
    checkFilters(filters, pruneFilters);
    const all = wantsAll(filters);
    if (this.#pruning) throw failure("conflict", { message: "a prune operation is already running" });
    this.#pruning = true;
    try {
      const VolumesDeleted: string[] = [];
      let SpaceReclaimed = 0;
      for (const [name, { labels }] of this.#rows) {
        if (!pruneLabelsMatch(filters, labels) || !(all || this.#isAnonymous(name))) continue;
        if (this.#users(name).length > 0) continue;
        const size = await folderSize(this.#path(name));
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

  /** Volumes with their sizes and numbers of users, for `docker system df`. */
  async usage(): Promise<Json[]> {
    const volumes: Json[] = [];
    for (const [name, row] of this.#rows) {
      const Size = await folderSize(this.#path(name));
      volumes.push({ ...this.#json(name, row), UsageData: { RefCount: this.#users(name).length, Size } });
    }
    return volumes;
  }

  /** Makes the folder of a container's volume; without a name an anonymous one. Throws Docker's texts for bad names. */
  async prepare(name: string | undefined, labels: Readonly<Record<string, string>>): Promise<PreparedVolume> {
    return this.#prepare(name, Object.keys(labels).length === 0 ? null : labels, null);
  }

  async #prepare(
    given: string | undefined,
    labels: VolumeRow["labels"],
    options: VolumeRow["options"],
  ): Promise<PreparedVolume> {
    const name = given ?? newName();
    if (!this.#rows.has(name)) {
      checkVolumeName(name);
      checkOptions(name, options);
    }
    const path = this.#path(name);
    await mkdir(path, { recursive: true, mode: dataMode });
    if (!this.#rows.has(name)) {
      // The process's umask may have taken bits away.
      await Promise.all([chmod(join(path, ".."), folderMode), chmod(path, dataMode)]);
    }
    const fresh = (await readdir(path)).length === 0;
    const own = given === undefined ? { ...labels, [anonymousLabel]: "" } : labels;
    return {
      name,
      path,
      fresh,
      insert: () => this.#insert(name, { created: seconds(), labels: own, options }),
    };
  }

  #insert(name: string, row: VolumeRow): void {
    // Somebody may have removed it since it was prepared.
    const path = this.#path(name);
    if (!existsSync(path)) {
      mkdirSync(join(path, ".."), { mode: folderMode });
      mkdirSync(path, { mode: dataMode });
    }
    if (this.#rows.has(name)) return;
    this.#database.insertVolume(name, JSON.stringify(row));
    this.#rows.set(name, row);
    // The transaction that this belongs to ends in this turn; if it was rolled back there is no volume.
    queueMicrotask(() => {
      if (this.#database.volumes().some((volume) => volume.name === name))
        this.#publish("create", name, { driver: "local" });
      else this.#rows.delete(name);
    });
  }

  /** The name is free at once; what lies in the folder is deleted after it got another name. */
  async #delete(name: string): Promise<void> {
    const removed = join(this.#root, `${removedPrefix}${randomBytes(8).toString("hex")}`);
    this.#database.deleteVolume(name);
    this.#rows.delete(name);
    const folder = join(this.#root, name);
    if (existsSync(folder)) renameSync(folder, removed);
    this.#publish("destroy", name, { driver: "local" });
    await rm(removed, { recursive: true, force: true });
  }

  /**
   * Cleans up after an engine that was killed: folders that were made for containers that never came to be, and what
   * was about to be deleted. A folder with data that no row names becomes a volume, as in dockerd.
   */
  async sweep(): Promise<void> {
    for (const entry of await readdir(this.#root, { withFileTypes: true })) {
      const { name } = entry;
      const folder = join(this.#root, name);
      if (name.startsWith(removedPrefix)) await rm(folder, { recursive: true, force: true });
      if (!entry.isDirectory() || !nameForm.test(name) || this.#rows.has(name)) continue;
      if (!existsSync(this.#path(name))) continue;
      if ((await readdir(this.#path(name))).length === 0) await rm(folder, { recursive: true, force: true });
      else this.#insert(name, { created: seconds(), labels: null, options: null });
    }
  }

  #path(name: string): string {
    return join(this.#root, name, "_data");
  }

  #isAnonymous(name: string): boolean {
    return Object.hasOwn(this.#rows.get(name)?.labels ?? {}, anonymousLabel);
  }

  #json(name: string, { created, labels, options }: VolumeRow): Json {
    return {
      CreatedAt: created,
      Driver: "local",
      Labels: labels,
      Mountpoint: this.#path(name),
      Name: name,
      Options: options,
      Scope: "local",
    };
  }

  #publish(Action: string, ID: string, Attributes: Readonly<Record<string, string>>): void {
    this.#events.publish({ Type: "volume", Action, Actor: { ID, Attributes } });
  }
}

function newName(): string {
  return randomBytes(32).toString("hex");
}

/** Now, as Docker has it here: without a fraction. */
function seconds(): string {
  const time = now();
  return formatTime(time - (time % 1_000_000_000n));
}

function checkVolumeName(name: string): void {
  const wrong = (why: string): never => {
    throw failure("invalid-parameter", { message: `create ${name}: ${why}` });
  };
  if (name.length === 1)
    wrong("volume name is too short, names should be at least two alphanumeric characters");
  if (!nameForm.test(name))
    wrong(
      `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  // The longest name of a file.
  if (name.length > 255) wrong("volume name is too long, names should be at most 255 characters");
}

function checkOptions(name: string, options: VolumeRow["options"]): void {
  const names = Object.keys(options ?? {});
  const unknown = names.find((option) => !knownOptions.has(option));
  if (unknown !== undefined)
    throw failure("invalid-parameter", {
      message: `create ${name}: invalid option: ${JSON.stringify(unknown)}`,
    });
  if (names.length > 0) throw failure("not-implemented", { what: `volume option ${names.join(", ")}` });
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
