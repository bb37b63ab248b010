/**
 * Eight clients at work on an engine that is killed again and again: they make, start, exec in, stop and remove
 * containers, follow logs, ask for lists, make volumes and networks. Each knows what it was told; a request that got no
 * answer may have been done or not.
 * @module
 */
import { chmodSync, mkdirSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Answer, TestEngine } from "../support/engine.ts";
import { random } from "../support/random.ts";

/** What a client knows of an operation; undefined: it had no answer, or didn't ask. */
export type Outcome = "done" | "refused" | undefined;

/** An operation: whether it was asked for, and what was answered. */
export interface Operation {
  asked: boolean;
  outcome: Outcome;
  /** When it was answered, in ms since the epoch. */
  answered: number;
}

/** What a container does once it runs. `steady` doesn't end, `failing` ends again and again. */
export type Kind = "short" | "steady" | "failing";

export interface MadeExec {
  readonly id: string;
  readonly code: number;
  readonly started: Outcome;
}

/** A container as its client knows it. */
export interface Made {
  readonly name: string;
  readonly kind: Kind;
  readonly network: "none" | "bridge" | "theirs";
  readonly autoRemove: boolean;
  /** Lines of one run, and the exit code. */
  readonly lines: number;
  readonly code: number;
  /** Named volume, if it has one. */
  readonly volume?: string;
  /** Where it writes down what it has written, on the host: `runs`, and for each run the last line. */
  readonly acknowledged: string;
  /** Undefined: nobody was told. */
  id?: string;
  readonly create: Operation;
  readonly start: Operation;
  readonly stop: Operation;
  readonly remove: Operation;
  readonly execs: MadeExec[];
}

/** A volume or a network that a client made by itself. */
export interface MadeThing {
  readonly name: string;
  readonly create: Operation;
  readonly remove: Operation;
}

/** Retries of containers that fail. */
export const RETRIES = 2;
const CLIENTS = 8;
/** Each client has so many containers at work at most; the oldest one goes first. */
const KEPT = 5;
/** So many are never removed. */
const LEFT = 40;

const never = (): Operation => ({ asked: false, outcome: undefined, answered: 0 });

/** Writes numbered lines, and what it has written so far into a file that outlives it. */
function script({ kind, lines, code }: Pick<Made, "kind" | "lines" | "code">): string {
  const begin = "n=$(cat /ack/runs 2>/dev/null || echo 0); n=$((n+1)); echo $n > /ack/runs; i=0";
  const line = 'i=$((i+1)); echo "$n $i"; echo $i > /ack/$n';
  if (kind === "steady") return `${begin}; httpd -p 80 -h /ack; while :; do ${line}; sleep 0.1; done`;
  return `${begin}; while [ $i -lt ${lines} ]; do ${line}; done; exit ${code}`;
}

/** The clients, their containers, and how much they did. */
export class Load {
  readonly containers: Made[] = [];
  readonly volumes: MadeThing[] = [];
  readonly networks: MadeThing[] = [];
  /** What no answer may say: told by clients when they see it. */
  readonly wrong: string[] = [];
  /** Requests that were answered, requests that were cut off, lines that followers read. */
  readonly counts = { answered: 0, cut: 0, followed: 0, lists: 0 };
  readonly #engine: TestEngine;
  readonly #folder: string;
  readonly #seed: number;
  /** Resolves while there is an engine to ask: what never reached one is no request. */
  #up: Promise<void> = Promise.resolve();
  #ending = false;
  #left = 0;

  /** `folder` is where containers write down what they did. */
  constructor(engine: TestEngine, folder: string, seed: number) {
    this.#engine = engine;
    this.#folder = folder;
    this.#seed = seed;
    mkdirSync(folder, { recursive: true });
  }

  /** Clients wait until `back` resolves before they ask again. */
  pause(back: Promise<void>): void {
    this.#up = back;
  }

  /** Has clients finish what they are at. */
  end(): void {
    this.#ending = true;
  }

  /** Works until {@link end} is called. */
  async run(): Promise<void> {
    const clients = Array.from({ length: CLIENTS }, (_, number) => this.#client(number + 1));
    await Promise.all([...clients, this.#lister(), this.#maker()]);
  }

  /** A request whose engine may be killed before it answers; undefined then. */
  async #tried(method: string, path: string, body?: object): Promise<Answer | undefined> {
    await this.#up;
    try {
      const answer = await this.#engine.request(method, path, body);
      this.counts.answered++;
      if (answer.status >= 500)
        this.wrong.push(`${method} ${path}: ${answer.status} ${answer.body.toString()}`);
      return answer;
    } catch {
      this.counts.cut++;
      return undefined;
    }
  }

  /** Does an operation and notes what came of it. */
  async #operate(
    operation: Operation,
    done: number,
    ...request: [string, string, object?]
  ): Promise<Answer | undefined> {
    await this.#up;
    operation.asked = true;
    const answer = await this.#tried(...request);
    operation.outcome = answer === undefined ? undefined : answer.status === done ? "done" : "refused";
    operation.answered = Date.now();
    return answer;
  }

  async #client(number: number): Promise<void> {
    const next = random(this.#seed + number * 7919);
    const kept: Made[] = [];
    for (let turn = 0; !this.#ending; turn++) {
      const mine = this.#draft(`c${number}-${turn}`, number, next);
      this.containers.push(mine);
      if (await this.#begin(mine, next)) kept.push(mine);
      const oldest = kept.length > KEPT || next() < 0.5 ? kept.shift() : undefined;
      if (oldest !== undefined) await this.#finish(oldest, next);
    }
  }

  #draft(name: string, client: number, next: () => number): Made {
    const kinds = ["short", "short", "steady", "failing"] as const;
    const networks = ["none", "bridge", "theirs"] as const;
    const kind = kinds[Math.floor(next() * kinds.length)] ?? "short";
    const acknowledged = join(this.#folder, name);
    mkdirSync(acknowledged);
    chmodSync(acknowledged, 0o777);
    return {
      name,
      kind,
      network: networks[Math.floor(next() * networks.length)] ?? "none",
      autoRemove: kind === "short" && next() < 0.3,
      lines: 1 + Math.floor(next() * 300),
      code: 1 + Math.floor(next() * 100),
      ...(next() < 0.3 ? { volume: `v${client}-${Math.floor(next() * 3)}` } : {}),
      acknowledged,
      create: never(),
      start: never(),
      stop: never(),
      remove: never(),
      execs: [],
    };
  }

  /** Makes and starts it, and does in it what others would; false if nobody knows whether it is there. */
  async #begin(mine: Made, next: () => number): Promise<boolean> {
    const { name, kind, network, autoRemove, volume, acknowledged } = mine;
    const created = await this.#operate(mine.create, 201, "POST", `/containers/create?name=${name}`, {
      Image: "busybox",
      Cmd: ["sh", "-c", script(mine)],
      // Filled with what the image has there.
      ...(next() < 0.3 ? { Volumes: { "/etc": {} } } : {}),
      ...(kind === "steady"
        ? { Healthcheck: { Test: ["CMD-SHELL", "test -e /ack/runs"], Interval: 400_000_000 } }
        : {}),
      HostConfig: {
        NetworkMode: network,
        AutoRemove: autoRemove,
        Binds: [`${acknowledged}:/ack`, ...(volume === undefined ? [] : [`${volume}:/data`])],
        ...(kind === "failing" ? { RestartPolicy: { Name: "on-failure", MaximumRetryCount: RETRIES } } : {}),
        ...(network === "none" ? {} : { PortBindings: { "80/tcp": [{ HostPort: "" }] } }),
      },
    });
    if (created === undefined) {
      // Whoever doesn't know asks: it may be there, and may be removed.
      if (next() < 0.7) await this.#operate(mine.remove, 204, "DELETE", `/containers/${name}?force=1&v=1`);
      return false;
    }
    if (created.status !== 201) {
      this.wrong.push(`create of ${name}: ${created.status} ${created.body.toString()}`);
      return false;
    }
    const { Id: id } = created.json<{ Id: string }>();
    mine.id = id;
    if (next() < 0.05) return true;
    const started = await this.#operate(mine.start, 204, "POST", `/containers/${id}/start`);
    if (mine.start.outcome === "refused")
      this.wrong.push(`start of ${name}: ${started?.status} ${started?.body.toString()}`);
    if (next() < 0.4) void this.#follow(mine, id);
    if (kind === "steady" && mine.start.outcome === "done") {
      for (let count = Math.floor(next() * 3); count > 0; count--) await this.#execIn(mine, id, next);
    }
    return true;
  }

  async #execIn(mine: Made, id: string, next: () => number): Promise<void> {
    const code = 1 + Math.floor(next() * 100);
    const made = await this.#tried("POST", `/containers/${id}/exec`, { Cmd: ["sh", "-c", `exit ${code}`] });
    if (made?.status !== 201) return;
    const { Id } = made.json<{ Id: string }>();
    const started = await this.#tried("POST", `/exec/${Id}/start`, { Detach: true });
    const outcome = started === undefined ? undefined : started.status === 200 ? "done" : "refused";
    mine.execs.push({ id: Id, code, started: outcome });
  }

  async #finish(mine: Made, next: () => number): Promise<void> {
    const { id, name } = mine;
    if (id === undefined) return;
    if (mine.kind === "steady" && next() < 0.3)
      await this.#operate(mine.stop, 204, "POST", `/containers/${id}/stop?t=0`);
    if (this.#left < LEFT && next() < 0.15) {
      this.#left++;
      return;
    }
    const gone = await this.#operate(mine.remove, 204, "DELETE", `/containers/${id}?force=1&v=1`);
    if (mine.remove.outcome !== "done") return;
    const after = await this.#tried("GET", `/containers/${name}/json`);
    if (after?.status === 200) this.wrong.push(`${name} is there after ${gone?.status} for its removal`);
  }

  /** Follows a log until the container ends or the engine does; lines come in order, from the first, each once. */
  async #follow({ name, kind }: Made, id: string): Promise<void> {
    const lines: string[] = [];
    await new Promise<void>((resolve) => {
      const path = `/containers/${id}/logs?stdout=1&stderr=1&follow=1`;
      const outgoing = request(
        { socketPath: this.#engine.socket, path, agent: false },
        (response: IncomingMessage) => {
          let rest = Buffer.alloc(0);
          response.on("data", (chunk: Buffer) => {
            rest = Buffer.concat([rest, chunk]);
            while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
              const end = 8 + rest.readUInt32BE(4);
              lines.push(rest.subarray(8, end).toString("utf8").trimEnd());
              rest = rest.subarray(end);
            }
          });
          response.on("close", resolve);
          response.on("error", () => resolve());
        },
      );
      outgoing.on("error", () => resolve());
      outgoing.end();
    });
    this.counts.followed += lines.length;
    if (kind === "failing") return;
    const wanted = lines.map((_, at) => `1 ${at + 1}`);
    if (JSON.stringify(lines) !== JSON.stringify(wanted))
      this.wrong.push(`a follower of ${name} read ${JSON.stringify(lines.slice(0, 400))}`);
  }

  /** Asks for lists all the time: no name and no id may be there twice. */
  async #lister(): Promise<void> {
    while (!this.#ending) {
      const answer = await this.#tried("GET", "/containers/json?all=1");
      if (answer?.status === 200) {
        const list = answer.json<{ Id: string; Names: string[] }[]>();
        const keys = list.flatMap(({ Id, Names }) => [Id, ...Names]);
        if (new Set(keys).size !== keys.length) this.wrong.push(`twice in a list: ${keys.join(" ")}`);
        this.counts.lists++;
      }
      await this.#tried("GET", "/networks");
      await this.#tried("GET", "/volumes");
      await Bun.sleep(50);
    }
  }

  /** Makes and removes volumes and networks that no container has. */
  async #maker(): Promise<void> {
    const next = random(this.#seed + 104_729);
    for (let turn = 0; !this.#ending; turn++) {
      const volume = next() < 0.5;
      const name = `${volume ? "vol" : "net"}-${turn}`;
      const thing: MadeThing = { name, create: never(), remove: never() };
      (volume ? this.volumes : this.networks).push(thing);
      const made = await this.#operate(
        thing.create,
        201,
        "POST",
        volume ? "/volumes/create" : "/networks/create",
        { Name: name },
      );
      if (made?.status !== 201 || next() < 0.1) continue;
      await this.#operate(thing.remove, 204, "DELETE", `/${volume ? "volumes" : "networks"}/${name}`);
    }
  }
}
