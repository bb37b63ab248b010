/**
 * The engine's line to the resolver: starts it when somebody needs it, tells it what is where, and tells everything again
 * when one of the two was started anew.
 * @module
 */
import { mkdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../../errors/mod.ts";
import { spawnDetached } from "../../kernel/mod.ts";
import { LineReader } from "./control.ts";
import { controlSocket, logFile, relaySocket } from "./places.ts";
import type { ControlLine, DnsChange, DnsState } from "./types.ts";
import { Zone } from "./zone.ts";

/** Milliseconds for which somebody waits for a resolver that doesn't come up. */
const patience = 10_000;
/** Milliseconds between tries to connect, at first and at most. */
const shortest = 4;
const longest = 200;
/** Milliseconds: a resolver that lived no longer has failed, or found another there. */
const shortLife = 1000;
/** Milliseconds until it is started again: after the first failure; twice as long after each that follows; at most. */
const firstRest = 50;
const longestRest = 5000;

export interface ResolverPlace {
  /** `EXEC/dns`. */
  readonly directory: string;
  /** What starts a resolver, but for the directory: `["/usr/bin/caisson", "resolver"]`. */
  readonly command: readonly [string, ...string[]];
  /** Names the executable's build: a resolver that an engine of another one left is replaced. */
  readonly version: string;
  /** The host's resolv.conf, unless /etc's. */
  readonly resolvConf?: string;
}

interface Waiting {
  readonly sequence: number;
  readonly resolve: () => void;
}

/** What the engine says of names. Changes are taken in the order in which they are told. */
export class ResolverClient {
  readonly #place: ResolverPlace;
  readonly #zone = new Zone();
  /** Of the last change. */
  #sequence = 0;
  #taken = 0;
  #waiting: Waiting[] = [];
  #socket: Socket | undefined;
  #connecting = false;
  #closed = false;
  #starting = false;
  #startAgain = 0;
  /** Milliseconds between the last resolver's end and the next one's start. */
  #rest = 0;

  /** Nothing is started before something is told or asked. */
  constructor(place: ResolverPlace) {
    this.#place = place;
  }

  /** The path of the socket that a container's relay is to be given. */
  get relaySocket(): string {
    return relaySocket(this.#place.directory);
  }

  /** Tells everything anew: what an engine does first, when it knows which containers run. */
  replace(state: DnsState): void {
    this.#zone.replace(state);
    this.#tell({ op: "state", version: this.#place.version, state, sequence: (this.#sequence += 1) });
  }

  /** Tells one change. */
  apply(change: DnsChange): void {
    this.#zone.apply(change);
    this.#tell({ ...change, sequence: (this.#sequence += 1) });
  }

  /**
   * Resolves when a resolver runs and knows all that was told so far.
   * @throws unavailable when none comes up
   */
  async ready(): Promise<void> {
    await this.#whenTaken(true);
  }

  /**
   * Resolves when all that was told so far is in force: a query that is sent from here on sees it. At once when no container
   * asks at all.
   * @throws unavailable when no resolver comes up
   */
  async flushed(): Promise<void> {
    await this.#whenTaken(false);
  }

  /** Lets go of the resolver, which stays. */
  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  /** Without a container there is nobody to answer: no resolver is started, and one that runs may leave. */
  get #needed(): boolean {
    return this.#zone.askers > 0;
  }

  async #whenTaken(evenIdle: boolean): Promise<void> {
    if (this.#socket !== undefined && this.#taken >= this.#sequence) return;
    if (!this.#needed && !evenIdle) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry = { sequence: this.#sequence, resolve };
    this.#waiting.push(entry);
    this.#connect();
    const timer = setTimeout(resolve, patience);
    await promise;
    clearTimeout(timer);
    const at = this.#waiting.indexOf(entry);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    throw failure("unavailable", {
      message: `the resolver of container names does not answer: ${this.#lastWords()}`,
    });
  }

  #lastWords(): string {
    try {
      const lines = readFileSync(logFile(this.#place.directory), "utf8").trim().split("\n");
      return lines.at(-1) ?? "";
    } catch {
      return `no socket at ${controlSocket(this.#place.directory)}`;
    }
  }

  #tell(line: ControlLine): void {
    if (this.#socket !== undefined) this.#socket.write(`${JSON.stringify(line)}\n`);
    else if (this.#needed) this.#connect();
  }

  #connect(): void {
    if (this.#connecting || this.#closed || this.#socket !== undefined) return;
    this.#connecting = true;
    void this.#connectAtLast().finally(() => {
      this.#connecting = false;
      // Somebody came between the last look and here.
      if (this.#socket === undefined && this.#wanted) this.#connect();
    });
  }

  get #wanted(): boolean {
    return !this.#closed && (this.#needed || this.#waiting.length > 0);
  }

  async #connectAtLast(): Promise<void> {
    for (let pause = shortest; this.#wanted; pause = Math.min(2 * pause, longest)) {
      const socket = await tryConnect(controlSocket(this.#place.directory));
      if (socket !== undefined) return this.#use(socket);
      if (this.#start()) pause = shortest;
      await sleep(pause);
    }
  }

  #use(socket: Socket): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    // The engine may leave while the line is open.
    socket.unref();
    const lines = new LineReader();
    socket.on("data", (chunk: Buffer) => {
      for (const line of lines.push(chunk)) this.#heard(line);
    });
    socket.on("end", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#taken = 0;
      if (this.#wanted) this.#connect();
    });
    const line: ControlLine = {
      op: "state",
      version: this.#place.version,
      state: this.#zone.state(),
      sequence: this.#sequence,
    };
    socket.write(`${JSON.stringify(line)}\n`);
  }

  #heard(line: string): void {
    const { taken } = JSON.parse(line) as { readonly taken: number };
    this.#taken = taken;
    const [done, waiting] = [
      this.#waiting.filter(({ sequence }) => sequence <= taken),
      this.#waiting.filter(({ sequence }) => sequence > taken),
    ];
    this.#waiting = waiting;
    for (const { resolve } of done) resolve();
    if (!this.#wanted && taken === this.#sequence) this.#letGo();
  }

  /** Nobody asks any more: the resolver leaves when nobody has come for a while. */
  #letGo(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  /** Starts a resolver unless one is being started. One that finds another there leaves by itself. */
  #start(): boolean {
    if (this.#starting || performance.now() < this.#startAgain) return false;
    this.#starting = true;
    const started = performance.now();
    const { directory, command, version, resolvConf } = this.#place;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const process = spawnDetached(
        [...command, directory, version, ...(resolvConf === undefined ? [] : [resolvConf])],
        logFile(directory),
      );
      void process.exited.then(() => this.#ended(started));
    } catch {
      this.#ended(started);
    }
    return true;
  }

  #ended(started: number): void {
    this.#starting = false;
    const now = performance.now();
    const failed = now - started < shortLife;
    this.#rest = failed ? Math.min(Math.max(firstRest, 2 * this.#rest), longestRest) : 0;
    this.#startAgain = now + this.#rest;
  }
}

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("error", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}
