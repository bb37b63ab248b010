/**
 * The engine's execs. One that has ended is written to the database before its shim's record is deleted, so that its
 * exit code is known for as long as its container exists, whatever becomes of the engine.
 * @module
 */
import { messageOf } from "../errors/mod.ts";
import type { ShimConnection } from "../kernel/mod.ts";
import type { Container } from "./container-store.ts";
import type { ExecBody } from "./engine.ts";
import { Gathering } from "./gathering.ts";
import type { Services } from "./services.ts";

/** An exec as the engine knows it. */
export interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly body: ExecBody;
  /** It is the engine's own: a probe of its container's health. */
  readonly probe: boolean;
  running: boolean;
  started: boolean;
  pid: number;
  exitCode: number | null;
  shim: ShimConnection | undefined;
  /** Resolves when its end is known. */
  readonly ended: PromiseWithResolvers<void>;
  /** Resolves when its end is on disk. */
  readonly recorded: PromiseWithResolvers<void>;
}

/** How many execs that have ended are remembered for each container. */
const remembered = 64;
/** Milliseconds in which ends are gathered into one commit. */
const FLUSH_DELAY = 5;

/** An exec that is not started yet. */
export function newExec(id: string, container: Container, body: ExecBody, probe = false): Exec {
  return {
    id,
    container,
    body,
    probe,
    running: false,
    started: false,
    pid: 0,
    exitCode: null,
    shim: undefined,
    ended: Promise.withResolvers(),
    recorded: Promise.withResolvers(),
  };
}

/** All execs, by their ids. */
export class ExecStore {
  readonly #services: Services;
  readonly #execs = new Map<string, Exec>();
  readonly #unsaved = new Set<Exec>();
  readonly #saving = new Gathering(() => this.#write(), FLUSH_DELAY);

  constructor(services: Services) {
    this.#services = services;
    for (const { id, container: owner, data } of services.database.execs()) {
      const container = services.store.byId(owner);
      if (container === undefined) continue;
      const { body, pid, exitCode } = JSON.parse(data) as Pick<Exec, "body" | "pid" | "exitCode">;
      this.#execs.set(id, { ...newExec(id, container, body), started: true, pid, exitCode });
    }
  }

  /** Undefined also for one whose container was removed. */
  get(id: string): Exec | undefined {
    const exec = this.#execs.get(id);
    return exec !== undefined && this.#services.store.byId(exec.container.id) === exec.container
      ? exec
      : undefined;
  }

  add(exec: Exec): void {
    this.#forgetOldest(exec.container);
    this.#execs.set(exec.id, exec);
  }

  #forgetOldest(container: Container): void {
    const ended = this.#of(container).filter((exec) => exec.exitCode !== null && !this.#unsaved.has(exec));
    for (const { id } of ended.slice(0, Math.max(0, ended.length - remembered))) {
      this.#execs.delete(id);
      this.#services.database.deleteExec(id);
    }
  }

  #of(container: Container): Exec[] {
    return [...this.#execs.values()].filter((exec) => exec.container === container);
  }

  /** Those of a container that run. */
  running(container: Container): Exec[] {
    return this.#of(container).filter(({ running }) => running);
  }

  /** From here on its container's bundle is kept until this exec's end is recorded. */
  begin(exec: Exec): void {
    exec.container.execs.add(exec.recorded.promise);
  }

  /** It did not start after all: there is no end to wait for. */
  abandon(exec: Exec): void {
    exec.recorded.resolve();
    exec.container.execs.delete(exec.recorded.promise);
  }

  /** Forgets an exec that has ended. */
  async drop(exec: Exec): Promise<void> {
    this.#execs.delete(exec.id);
    await this.removeFolder(exec);
    this.abandon(exec);
  }

  /** Has an end written soon, together with others; then the exec's folder is removed. */
  save(exec: Exec): void {
    this.#unsaved.add(exec);
    this.#saving.soon();
  }

  /** Writes every end now. Throws if it can't be written, after which it is tried again. */
  flush(): void {
    this.#saving.now();
  }

  #write(): void {
    const ended = [...this.#unsaved];
    const { database, store } = this.#services;
    const rows = ended
      .filter(({ container }) => store.byId(container.id) === container)
      .map(({ id, container, body, pid, exitCode }) => ({
        id,
        container: container.id,
        data: JSON.stringify({ body, pid, exitCode }),
      }));
    if (rows.length > 0) database.insertExecs(rows);
    for (const exec of ended) {
      this.#unsaved.delete(exec);
      this.abandon(exec);
      void this.removeFolder(exec);
    }
  }

  /** Removes what an exec's shim left. */
  async removeFolder({ container, id }: Exec): Promise<void> {
    const { paths, log, trash } = this.#services;
    try {
      await trash.run.discard(paths.exec(container.id, id));
    } catch (error) {
      log.warn(`remove what exec ${id} left: ${messageOf(error)}`);
    }
  }
}
