/**
 * The engine's state on disk: one SQLite file, changed in transactions. What the kernel holds is derived from it.
 * The only place that imports bun:sqlite.
 * @module
 */
import { constants, Database, SQLiteError, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { statfsSync } from "node:fs";
import { open } from "node:fs/promises";
import { failure } from "../errors/mod.ts";
import type { EngineLog } from "./services.ts";

/** Pages that the log of changes may hold before SQLite itself moves them, in the middle of somebody's commit. */
const CHECKPOINT_PAGES = 16384;
/** Milliseconds without a commit after which they are moved. */
const QUIET = 1000;
/** Milliseconds after a commit until the disk is told to take it, with what was committed meanwhile. */
const SYNC_DELAY = 1000;
/**
 * Bytes that the log of changes keeps allocated, and the file has free inside: whoever wants to remove something from a
 * full disk must be able to write that down.
 */
const RESERVE = 1 << 20;
/** The log is cut to this when it is begun anew. */
const LOG_LIMIT = 4 << 20;
const MEMORY = ":memory:";

/** The schema, one step for each version; `user_version` says how many were taken. Steps are never changed, only added. */
const migrations: readonly string[] = [
  `CREATE TABLE containers (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     id_range INTEGER UNIQUE,
     config TEXT NOT NULL
   );
   CREATE TABLE container_states (id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE volumes (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`,
  // Execs that have ended, in the order of their ends.
  `CREATE TABLE execs (id TEXT NOT NULL UNIQUE, container TEXT NOT NULL, data TEXT NOT NULL);
   CREATE INDEX execs_of_container ON execs (container);`,
  // Networks, and the places of running containers on them. No address is there twice.
  `CREATE TABLE networks (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, data TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE endpoints (
     id TEXT PRIMARY KEY,
     network TEXT NOT NULL,
     container TEXT NOT NULL,
     ipv4 TEXT,
     ipv6 TEXT,
     data TEXT NOT NULL,
     UNIQUE (network, ipv4),
     UNIQUE (network, ipv6)
   ) WITHOUT ROWID;`,
  // Volumes that plugins have mounted for containers.
  `CREATE TABLE volume_uses (
     container TEXT NOT NULL,
     driver TEXT NOT NULL,
     volume TEXT NOT NULL,
     PRIMARY KEY (container, driver, volume)
   ) WITHOUT ROWID;`,
];

export interface ContainerRow {
  readonly id: string;
  readonly name: string;
  readonly id_range: number | null;
  readonly config: string;
  readonly state: string;
}

/** An exec that has ended. */
export interface ExecRow {
  readonly id: string;
  /** The container's id. */
  readonly container: string;
  readonly data: string;
}

/** A running container's place on a network. */
export interface EndpointRow {
  readonly id: string;
  readonly network: string;
  readonly container: string;
  readonly ipv4: string | null;
  readonly ipv6: string | null;
  readonly data: string;
}

/** A plugin's volume that is mounted for a container, or is about to be. */
export interface VolumeUseRow {
  /** The container's id. */
  readonly container: string;
  readonly driver: string;
  readonly volume: string;
}

/** The database, with its statements prepared. */
export class StateDatabase {
  readonly #database: Database;
  readonly #insert: Statement<unknown, [string, string, number | null, string]>;
  readonly #setState: Statement<unknown, [string, string]>;
  readonly #rename: Statement<unknown, [string, string]>;
  readonly #delete: Statement<unknown, [string]>;
  readonly #deleteState: Statement<unknown, [string]>;
  readonly #insertExec: Statement<unknown, [string, string, string]>;
  readonly #deleteExec: Statement<unknown, [string]>;
  readonly #deleteExecs: Statement<unknown, [string]>;
  readonly #insertEndpoint: Statement<
    unknown,
    [string, string, string, string | null, string | null, string]
  >;
  readonly #deleteEndpoint: Statement<unknown, [string]>;
  /** All of those above. */
  readonly #statements: { finalize(): void }[] = [];
  readonly #path: string;
  #checkpoint: NodeJS.Timeout | undefined;
  #syncing: NodeJS.Timeout | undefined;
  readonly #log: Pick<EngineLog, "error"> | undefined;
  /** The operator knows that nothing can be written. */
  #complained = false;
  #reserved = false;

  /** `log` is told when nothing can be written. */
  constructor(path: string, log?: Pick<EngineLog, "error">) {
    this.#path = path;
    this.#log = log;
    const database = new Database(path, { create: true, strict: true });
    this.#database = database;
    // The log stays when the file is closed: with every inode taken there would be no other.
    database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    // Nobody else opens it while this engine lives: no locks to take and to drop at every commit.
    database.run("PRAGMA locking_mode = EXCLUSIVE");
    database.run("PRAGMA journal_mode = WAL");
    // A commit survives the end of this process at once; power loss may take the last second, never the whole.
    database.run("PRAGMA synchronous = NORMAL");
    database.run("PRAGMA busy_timeout = 5000");
    database.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.run(`PRAGMA journal_size_limit = ${LOG_LIMIT}`);
    this.#migrate(path);
    this.#insert = this.#kept(database.prepare("INSERT INTO containers VALUES (?, ?, ?, ?)"));
    this.#setState = this.#kept(database.prepare("INSERT OR REPLACE INTO container_states VALUES (?, ?)"));
    this.#rename = this.#kept(database.prepare("UPDATE containers SET name = ?2 WHERE id = ?1"));
    this.#delete = this.#kept(database.prepare("DELETE FROM containers WHERE id = ?"));
    this.#deleteState = this.#kept(database.prepare("DELETE FROM container_states WHERE id = ?"));
    this.#insertExec = this.#kept(database.prepare("INSERT OR REPLACE INTO execs VALUES (?, ?, ?)"));
    this.#deleteExec = this.#kept(database.prepare("DELETE FROM execs WHERE id = ?"));
    this.#deleteExecs = this.#kept(database.prepare("DELETE FROM execs WHERE container = ?"));
    this.#insertEndpoint = this.#kept(database.prepare("INSERT INTO endpoints VALUES (?, ?, ?, ?, ?, ?)"));
    this.#deleteEndpoint = this.#kept(database.prepare("DELETE FROM endpoints WHERE id = ?"));
  }

  #migrate(path: string): void {
    const [row] = this.#all<{ user_version: number }>("PRAGMA user_version");
    const version = row?.user_version ?? 0;
    if (version > migrations.length) {
      const message = `open ${path}: it was written by a newer caisson (schema ${version}, this one knows ${migrations.length})`;
      throw failure("internal", { message });
    }
    migrations.slice(version).forEach((step, i) => {
      this.transaction(() => {
        this.#database.run(step);
        this.#database.run(`PRAGMA user_version = ${version + i + 1}`);
      });
    });
  }

  /**
   * Runs `body` as one transaction: all of it or, if it throws, nothing. Throws `internal` in Docker's words when it can't
   * be written.
   */
  transaction<T>(body: () => T): T {
    if (this.#database.inTransaction) return this.#database.transaction(body)();
    this.#makeRoom();
    this.#changes();
    try {
      const result = this.#database.transaction(body)();
      this.#complained = false;
      return result;
    } catch (error) {
      const problem = this.#problem(error);
      if (problem === undefined) throw error;
      if (!this.#complained) this.#log?.error(problem.message, { error });
      this.#complained = true;
      throw problem;
    }
  }

  /** What the disk refuses, as Go's os package says it. */
  #problem(error: unknown): Error | undefined {
    if (!(error instanceof SQLiteError)) return undefined;
    const { code = "" } = error;
    const doing = `write ${this.#path}`;
    if (code.startsWith("SQLITE_FULL")) return failure("no-space", { doing }, error);
    const why = /^SQLITE_(READONLY|CANTOPEN)/.test(code)
      ? "read-only file system"
      : code.startsWith("SQLITE_IOERR")
        ? `input/output error (${code})`
        : undefined;
    if (why === undefined) return undefined;
    return failure("internal", { message: `${doing}: ${why}` }, error);
  }

  /** On a disk that is nearly full the log is begun anew before each commit, so that it need not become longer. */
  #makeRoom(): void {
    if (this.#path === MEMORY) return;
    try {
      const { bavail, bsize, ffree, files } = statfsSync(this.#path);
      if (bavail * bsize >= RESERVE && (ffree > 0 || files === 0)) return;
      this.#database.run("PRAGMA wal_checkpoint(PASSIVE)");
    } catch {
      // The commit says what is wrong.
    }
  }

  /** Has space allocated that is there when the disk is full. */
  #reserve(): void {
    if (this.#reserved || this.#path === MEMORY) return;
    try {
      this.#database.run("CREATE TABLE reserve (data BLOB)");
      this.#database.run("INSERT INTO reserve VALUES (zeroblob(?))", [RESERVE]);
      this.#reserved = true;
    } catch {
      // The disk is full already; it is tried again.
    }
    try {
      this.#database.run("DROP TABLE IF EXISTS reserve");
    } catch {
      // So is this.
    }
  }

  /** Something is committed in this turn. */
  #changes(): void {
    this.#checkpointWhenQuiet();
    this.#syncing ??= setTimeout(() => void this.#sync(), SYNC_DELAY).unref();
  }

  /**
   * Has the disk take the log of changes, beside the engine's own thread: under load there is no quiet moment for a
   * checkpoint, and nothing would be safe from a power loss for minutes.
   */
  async #sync(): Promise<void> {
    this.#syncing = undefined;
    try {
      await using log = await open(`${this.#path}-wal`, "r");
      await log.datasync();
    } catch {
      // A disk that fails says so at the next commit.
    }
  }

  /** Moving changes from the log into the database waits for the disk, so it is done when nobody waits. */
  #checkpointWhenQuiet(): void {
    if (this.#checkpoint !== undefined) {
      this.#checkpoint.refresh();
      return;
    }
    this.#checkpoint = setTimeout(() => {
      this.#checkpoint = undefined;
      this.#reserve();
      try {
        this.#database.run("PRAGMA wal_checkpoint(PASSIVE)");
      } catch {
        // The next one does it.
      }
    }, QUIET);
    this.#checkpoint.unref();
  }

  containers(): ContainerRow[] {
    return this.#all<ContainerRow>("SELECT * FROM containers JOIN container_states USING (id)");
  }

  insertContainer(row: ContainerRow): void {
    this.#insert.run(row.id, row.name, row.id_range, row.config);
    this.#setState.run(row.id, row.state);
  }

  /** Writes the states of containers, all in one transaction. */
  setContainerStates(states: Iterable<readonly [id: string, state: string]>): void {
    this.transaction(() => {
      for (const [id, state] of states) this.#setState.run(id, state);
    });
  }

  setContainerConfig(id: string, config: string): void {
    this.#change("UPDATE containers SET config = ?2 WHERE id = ?1", id, config);
  }

  renameContainer(id: string, name: string): void {
    this.#rename.run(id, name);
  }

  deleteContainer(id: string): void {
    this.#delete.run(id);
    this.#deleteState.run(id);
    this.#deleteExecs.run(id);
  }

  /** Execs that have ended, of containers that exist; the one that ended last comes last. */
  execs(): ExecRow[] {
    return this.#all<ExecRow>("SELECT id, container, data FROM execs ORDER BY rowid");
  }

  /** Writes execs that have ended, all in one transaction. */
  insertExecs(rows: readonly ExecRow[]): void {
    this.transaction(() => {
      for (const { id, container, data } of rows) this.#insertExec.run(id, container, data);
    });
  }

  deleteExec(id: string): void {
    this.transaction(() => this.#deleteExec.run(id));
  }

  volumes(): { name: string; data: string }[] {
    return this.#all("SELECT * FROM volumes");
  }

  insertVolume(name: string, data: string): void {
    this.#change("INSERT INTO volumes VALUES (?, ?)", name, data);
  }

  /** Replaces what is kept of a volume. */
  setVolume(name: string, data: string): void {
    this.#change("UPDATE volumes SET data = ?2 WHERE name = ?1", name, data);
  }

  deleteVolume(name: string): void {
    this.#change("DELETE FROM volumes WHERE name = ?", name);
  }

  volumeUses(): VolumeUseRow[] {
    return this.#all<VolumeUseRow>("SELECT * FROM volume_uses");
  }

  insertVolumeUse({ container, driver, volume }: VolumeUseRow): void {
    this.#change("INSERT OR REPLACE INTO volume_uses VALUES (?, ?, ?)", container, driver, volume);
  }

  deleteVolumeUse({ container, driver, volume }: VolumeUseRow): void {
    const sql = "DELETE FROM volume_uses WHERE container = ? AND driver = ? AND volume = ?";
    this.#change(sql, container, driver, volume);
  }

  networks(): { data: string }[] {
    return this.#all("SELECT data FROM networks");
  }

  insertNetwork(id: string, name: string, data: string): void {
    this.#change("INSERT OR REPLACE INTO networks VALUES (?, ?, ?)", id, name, data);
  }

  deleteNetwork(id: string): void {
    this.#change("DELETE FROM networks WHERE id = ?", id);
  }

  endpoints(): EndpointRow[] {
    return this.#all<EndpointRow>("SELECT * FROM endpoints");
  }

  insertEndpoint(row: EndpointRow): void {
    this.#insertEndpoint.run(row.id, row.network, row.container, row.ipv4, row.ipv6, row.data);
  }

  deleteEndpoint(id: string): void {
    this.#deleteEndpoint.run(id);
  }

  setting(key: string): string | undefined {
    return this.#all<{ value: string }>("SELECT value FROM settings WHERE key = ?", key)[0]?.value;
  }

  setSetting(key: string, value: string): void {
    this.#change("INSERT OR REPLACE INTO settings VALUES (?, ?)", key, value);
  }

  /** Whether the file is whole (`PRAGMA integrity_check`). */
  whole(): boolean {
    const rows = this.#all<{ integrity_check: string }>("PRAGMA integrity_check");
    return rows.length === 1 && rows[0]?.integrity_check === "ok";
  }

  close(): void {
    clearTimeout(this.#checkpoint);
    clearTimeout(this.#syncing);
    this.#database.run("PRAGMA journal_size_limit = -1");
    this.#database.run("PRAGMA wal_checkpoint(PASSIVE)");
    // A statement that is left keeps the file open, and locked.
    for (const statement of this.#statements) statement.finalize();
    this.#database.close(true);
  }

  #change(sql: string, ...parameters: SQLQueryBindings[]): void {
    this.transaction(() => this.#database.run(sql, parameters));
  }

  #kept<S extends { finalize(): void }>(statement: S): S {
    this.#statements.push(statement);
    return statement;
  }

  #all<T>(sql: string, ...parameters: SQLQueryBindings[]): T[] {
    using statement = this.#database.prepare<T, SQLQueryBindings[]>(sql);
    return statement.all(...parameters);
  }
}
