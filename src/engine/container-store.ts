/**
 * All containers of the engine, found by whatever a client may call one by, written through to the database.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ShimConnection } from "../kernel/mod.ts";
import { newState, type ContainerRecord, type ContainerState } from "./container.ts";
import type { WaitAnswer } from "./engine.ts";
import type { DeferredStream } from "./deferred-stream.ts";
import type { StateDatabase } from "./database.ts";
import { Gathering } from "./gathering.ts";
import { Lock } from "./lock.ts";

/** An attached client that waits for its container's start. */
export interface PendingAttach {
  readonly stream: DeferredStream;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** A container and what belongs to it while the engine runs. */
export class Container {
  /** Changed by {@link ContainerStore.change} alone. */
  record: ContainerRecord;
  /** Without the slash. */
  name: string;
  readonly state: ContainerState;
  /** Operations that change it wait for each other here. */
  readonly lock: Lock = new Lock();
  /** Whether there is a bundle and a cgroup: from its start until they were removed some time after its exit. */
  traces = false;
  /** The line to its shim while it runs. */
  shim: ShimConnection | undefined;
  readonly pending: Set<PendingAttach> = new Set();
  /** Who waits for its next exit, and for its removal. */
  readonly exitWaiters: Set<(answer: WaitAnswer) => void> = new Set();
  readonly removalWaiters: Set<(answer: WaitAnswer) => void> = new Set();
  /** Of its execs: resolve when their ends are recorded. Its bundle, in which their shims write, is kept until then. */
  readonly execs: Set<Promise<void>> = new Set();
  /** Resolves when its process has exited and everything of it is recorded; undefined while it doesn't run. */
  exited: PromiseWithResolvers<void> | undefined;

  constructor(record: ContainerRecord, name: string, state: ContainerState) {
    this.record = record;
    this.name = name;
    this.state = state;
  }

  get id(): string {
    return this.record.id;
  }

  /** When its process was started, as performance.now() has it, which no setting of the clock changes. */
  startedAt: number | undefined;
  /** Milliseconds that its last restart waited for; 0 if somebody started it. */
  backOff = 0;
  /** What begins its next restart, while it waits for that. */
  restart: NodeJS.Timeout | undefined;
  /** How many restart it now: its end is not the last word. */
  comesBack = 0;

  /** Whether its process lives. */
  get running(): boolean {
    return this.state.status === "running" || this.state.status === "paused";
  }

  /** Whether its process lives or will soon: Docker calls both running. */
  get active(): boolean {
    return this.running || this.state.status === "restarting";
  }
}

/** The engine's containers. */
export class ContainerStore {
  readonly #database: StateDatabase;
  readonly #byId = new Map<string, Container>();
  readonly #byName = new Map<string, Container>();
  /** Indices of id ranges of containers that are being made. */
  readonly reserved: Set<number> = new Set();
  readonly #linked = new Set<Container>();
  /** Containers whose state is not on disk yet. */
  readonly #changed = new Set<Container>();
  readonly #saving = new Gathering(() => this.#write());

  constructor(database: StateDatabase) {
    this.#database = database;
    for (const row of database.containers()) {
      const record = JSON.parse(row.config) as ContainerRecord;
      const state = { ...newState(), ...(JSON.parse(row.state) as ContainerState) };
      this.#index(new Container(record, row.name, state));
    }
  }

  #index(container: Container): void {
    this.#byId.set(container.id, container);
    this.#byName.set(container.name, container);
    if (container.state.links !== undefined) this.#linked.add(container);
  }

  /** Containers that have had links to others. */
  linked(): Iterable<Container> {
    return this.#linked;
  }

  all(): Container[] {
    return [...this.#byId.values()];
  }

  byId(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): Container | undefined {
    return this.#byName.get(name);
  }

  /** Finds by id, by name (with or without the slash), by the beginning of an id; `no-such-container` otherwise. */
  find(name: string): Container {
    const plain = name.startsWith("/") ? name.slice(1) : name;
    const exact = this.#byId.get(name) ?? this.#byName.get(plain) ?? this.#byAlias(plain);
    if (exact !== undefined) return exact;
    if (/^[0-9a-f]+$/.test(name)) {
      const matches = this.all().filter(({ id }) => id.startsWith(name));
      if (matches.length > 1) {
        throw failure("invalid-parameter", { message: `multiple IDs found with provided prefix: ${name}` });
      }
      if (matches[0] !== undefined) return matches[0];
    }
    throw failure("no-such-container", { name });
  }

  /** The one whose id begins so; undefined: there is none, or more than one. */
  byPrefix(prefix: string): Container | undefined {
    const [found, other] = prefix === "" ? [] : this.all().filter(({ id }) => id.startsWith(prefix));
    return other === undefined ? found : undefined;
  }

  /** What a link calls a container: `web/db`. */
  #byAlias(name: string): Container | undefined {
    const slash = name.indexOf("/");
    if (slash === -1) return undefined;
    const links = this.#byName.get(name.slice(0, slash))?.state.links ?? [];
    const link = links.find(({ alias }) => alias === name.slice(slash + 1));
    return link && this.#byId.get(link.id);
  }

  /** Indices of id ranges in use, or about to be. */
  ranges(): Set<number> {
    const used = new Set(this.reserved);
    for (const { record } of this.#byId.values()) if (record.idRange !== undefined) used.add(record.idRange);
    return used;
  }

  /** Throws `name-in-use` if somebody has the name. */
  checkName(name: string): void {
    const other = this.#byName.get(name);
    if (other !== undefined) throw failure("name-in-use", { name, id: other.id });
  }

  /** Adds a container in one transaction with whatever `also` writes. */
  add(container: Container, also: () => void = () => undefined): void {
    this.checkName(container.name);
    this.#database.transaction(() => {
      also();
      this.#database.insertContainer({
        id: container.id,
        name: container.name,
        id_range: container.record.idRange ?? null,
        config: JSON.stringify(container.record),
        state: JSON.stringify(container.state),
      });
    });
    this.#index(container);
  }

  /**
   * Has the container's state written soon, together with what else changes until then. Should the engine be killed
   * before, the next one learns the same from the shim or from its exit record: whoever deletes those calls
   * {@link flush} first.
   */
  save(container: Container): void {
    this.#changed.add(container);
    this.#saving.soon();
  }

  /** Writes every changed state now. Throws if it can't be written, after which it is tried again. */
  flush(): void {
    this.#saving.now();
  }

  #write(): void {
    const states = [...this.#changed]
      .filter(({ id }) => this.#byId.has(id))
      .map(({ id, state }) => [id, JSON.stringify(state)] as const);
    if (states.length > 0) this.#database.setContainerStates(states);
    this.#changed.clear();
  }

  /** Changes what was decided about a container, in one transaction with its state. */
  change(container: Container, record: ContainerRecord): void {
    this.#database.transaction(() => {
      this.#database.setContainerConfig(container.id, JSON.stringify(record));
      this.#database.setContainerStates([[container.id, JSON.stringify(container.state)]]);
    });
    this.#changed.delete(container);
    container.record = record;
  }

  rename(container: Container, name: string): void {
    this.checkName(name);
    this.#database.transaction(() => this.#database.renameContainer(container.id, name));
    this.#byName.delete(container.name);
    container.name = name;
    this.#byName.set(name, container);
  }

  /** Removes the container; its name and its ids are free at once. */
  delete(container: Container, also: () => void = () => undefined): void {
    this.#database.transaction(() => {
      also();
      this.#database.deleteContainer(container.id);
    });
    this.#changed.delete(container);
    this.#byId.delete(container.id);
    this.#byName.delete(container.name);
    this.#linked.delete(container);
  }
}
