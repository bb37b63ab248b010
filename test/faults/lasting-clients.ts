/**
 * Clients that an engine's restart shall not disturb: one that asks a published port, one that asks for a name, one that
 * follows a log and connects again where it was.
 * @module
 */
import { expect } from "bun:test";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { eventually, start } from "../support/containers.ts";
import type { TestEngine } from "../support/engine.ts";

/** Asks a port on the host again and again; every answer must come. */
export class PortClient implements Disposable {
  readonly #folder: string;
  readonly #process: ChildProcess;

  constructor(engine: TestEngine, port: string, name: string) {
    this.#folder = join(engine.directory, name);
    const ask = `curl -sS -m 20 -o /dev/null http://127.0.0.1:${port}/`;
    const loop = `while :; do if m=$(${ask} 2>&1); then echo $m >> $0.ok; else echo "$m" >> $0.failed; fi; sleep 0.02; done`;
    this.#process = engine.spawnInside("sh", ["-c", loop, this.#folder]);
  }

  /** Answers so far. */
  get answers(): number {
    return existsSync(`${this.#folder}.ok`) ? readFileSync(`${this.#folder}.ok`, "utf8").length : 0;
  }

  /** Fails unless it had answers, and nothing else. */
  expectAnswered(): void {
    const failed = existsSync(`${this.#folder}.failed`) ? readFileSync(`${this.#folder}.failed`, "utf8") : "";
    expect(failed).toBe("");
    expect(this.answers).toBeGreaterThan(0);
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

/** A container that asks for a name again and again, and writes what comes. */
export function startNameClient(engine: TestEngine, network: string, name: string): string {
  const ask = `nslookup ${name}. 127.0.0.11 > /answer 2>&1 && echo found || { echo failed; cat /answer; }`;
  return start(engine, [`--network=${network}`], ["sh", "-c", `while :; do ${ask}; sleep 0.05; done`]);
}

/** A client of a log that connects again whenever it is cut off, and goes on behind the last line that it has. */
export class LogClient implements Disposable {
  readonly lines: string[] = [];
  /** How often it had to connect. */
  connections = 0;
  readonly #engine: TestEngine;
  readonly #container: string;
  /** The time of the last line, and how many have it. */
  #last = "";
  #same = 0;
  /** So many of those are yet to come again. */
  #again = 0;
  #over = false;

  constructor(engine: TestEngine, container: string) {
    this.#engine = engine;
    this.#container = container;
    void this.#follow();
  }

  async #follow(): Promise<void> {
    while (!this.#over) {
      await this.#connect();
      await Bun.sleep(20);
    }
  }

  #connect(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#again = this.#same;
    const since = this.#last === "" ? "" : `&since=${seconds(this.#last)}`;
    const path = `/containers/${this.#container}/logs?stdout=1&follow=1&timestamps=1${since}`;
    const outgoing = request({ socketPath: this.#engine.socket, path, agent: false }, (response) => {
      this.connections++;
      let rest = Buffer.alloc(0);
      response.on("data", (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
          const end = 8 + rest.readUInt32BE(4);
          this.#take(rest.subarray(8, end).toString("utf8").trimEnd());
          rest = rest.subarray(end);
        }
      });
      response.on("error", () => resolve());
      response.on("close", resolve);
    });
    outgoing.on("error", () => resolve());
    outgoing.end();
    return promise;
  }

  /** What was there at the time of the last line comes again: lines that were written at once have one time. */
  #take(line: string): void {
    const space = line.indexOf(" ");
    const time = line.slice(0, space);
    if (time === this.#last && this.#again > 0) {
      this.#again--;
      return;
    }
    this.#same = time === this.#last ? this.#same + 1 : 1;
    this.#last = time;
    this.#again = 0;
    this.lines.push(line.slice(space + 1));
  }

  /** Fails unless it has numbers from 1 on, each once, in order, up to one that is written from now on. */
  async expectWhole(): Promise<void> {
    const { length } = this.lines;
    await eventually("more lines", () => this.lines.length > length, 30);
    expect(this.lines).toEqual(this.lines.map((_, at) => String(at + 1)));
  }

  [Symbol.dispose](): void {
    this.#over = true;
  }
}

/** A time as the API takes it. */
function seconds(time: string): string {
  const [, whole = "", fraction = ""] = /^([^.Z]*)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return `${Date.parse(`${whole}Z`) / 1000}.${fraction.padEnd(9, "0")}`;
}
