/**
 * The first containers after the daemon's start shall be as quick as later ones: what their requests run through is run
 * on containers for practice until the JIT has compiled it, while nobody wants anything.
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Engine, Rehearsal } from "../engine/mod.ts";
import { failure, messageOf } from "../errors/mod.ts";
import type { Log } from "./log.ts";
import { createRouter } from "./routes/mod.ts";
import { createApiServer } from "./server.ts";

/** How many containers it takes until most is compiled. */
const enough = 200;
/** Milliseconds after which the rest is left: where that many take longer (an emulator), they are no help. */
const longest = 10_000;
/** Milliseconds between two, for whoever else has something to do. */
const rest = 1;
/** Milliseconds until it is looked again whether somebody still wants something. */
const later = 20;

/** A client in this process, one request at a time. */
class Practice implements Disposable {
  readonly #socket: Socket;
  #answer = "";
  #heard: (() => void) | undefined;

  /** Connects to the socket at `path`. */
  constructor(path: string) {
    this.#socket = connect({ path, allowHalfOpen: true });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#answer += chunk.toString("latin1");
      this.#heard?.();
    });
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.on("close", () => this.#heard?.());
  }

  /** Asks; the answer's body. `headers` end with CRLF. Throws if it isn't one of success. */
  async ask(request: string, body = "", headers = ""): Promise<string> {
    this.#answer = "";
    const length = `Content-Length: ${body.length}\r\n`;
    this.#socket.write(
      `${request} HTTP/1.1\r\nHost: docker\r\nUser-Agent: warm-up\r\n${headers}${length}\r\n${body}`,
    );
    for (;;) {
      const whole = wholeBody(this.#answer);
      if (whole !== undefined && /^HTTP\/1\.1 (2|101)/.test(this.#answer)) return whole;
      if (whole !== undefined || this.#socket.destroyed) throw failure("internal", { message: this.#answer });
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** The body of an answer, once all of it is there. */
function wholeBody(answer: string): string | undefined {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const body = answer.slice(end + 4);
  if (/^HTTP\/1\.1 (204|101)/.test(answer)) return body;
  const length = /^content-length: *(\d+)/im.exec(answer.slice(0, end))?.[1];
  if (length !== undefined) return body.length >= Number(length) ? body : undefined;
  return body.endsWith("0\r\n\r\n") ? body : undefined;
}

/** One container. What is new of it is practised, and what is as it was. */
async function practise(client: Practice, other: () => Practice, round: number): Promise<void> {
  const AutoRemove = round % 2 === 1;
  const Cmd = round % 8 < 2 ? ["true", String(round)] : ["true"];
  const wanted = { Image: "warm-up", Cmd, HostConfig: { NetworkMode: "none", AutoRemove } };
  const json = "Content-Type: application/json\r\n";
  const created = await client.ask("POST /v1.44/containers/create", JSON.stringify(wanted), json);
  const { Id } = JSON.parse(created) as { Id: string };
  const container = `/v1.44/containers/${Id}`;
  if (AutoRemove) {
    // As `docker run --rm` does it.
    using attached = other();
    using waiting = other();
    const upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    await attached.ask(`POST ${container}/attach?stderr=1&stdout=1&stream=1`, "", upgrade);
    const removed = waiting.ask(`POST ${container}/wait?condition=removed`);
    await Promise.all([removed, client.ask(`POST ${container}/start`)]);
  } else {
    await client.ask(`POST ${container}/start`);
    await client.ask(`POST ${container}/wait`);
    await client.ask(`DELETE ${container}`);
  }
}

/** What practising has to know of the daemon. */
export interface Surroundings {
  /** Whether somebody wants something just now. */
  readonly busy: () => boolean;
  /** The daemon ends. */
  readonly ending: AbortSignal;
  /** A folder of the daemon's. */
  readonly execRoot: string;
  readonly log: Log;
}

/** Practises with so many containers, or until real ones come. It is no error if it fails. */
export async function warmUp(
  engine: Engine,
  surroundings: Surroundings,
  rounds: number = enough,
): Promise<void> {
  const { ending, execRoot, log } = surroundings;
  const stage = engine.rehearsal?.();
  if (stage === undefined) return;
  const server = createApiServer({ router: createRouter(), log });
  const serve = server.behind({ host: "warm-up", engine: { ...engine, containers: stage.containers } });
  const listener = createServer({ allowHalfOpen: true }, serve);
  // Nobody else goes in there.
  const folder = join(execRoot, "practice");
  const path = join(folder, "sock");
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { mode: 0o700 });
    await new Promise<void>((resolve, reject) => listener.once("error", reject).listen(path, resolve));
    await practiseAll(() => new Practice(path), stage, surroundings, rounds);
  } catch (error) {
    if (!ending.aborted) log.debug(`practise starting containers: ${messageOf(error)}`, { error });
  } finally {
    listener.close();
    server.close();
    stage.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function practiseAll(
  open: () => Practice,
  stage: Rehearsal,
  { busy, ending }: Surroundings,
  rounds: number,
): Promise<void> {
  using client = open();
  const until = performance.now() + longest;
  for (let round = 0; round < rounds && performance.now() < until && stage.early() && !ending.aborted;) {
    const wait = busy();
    if (!wait) await practise(client, open, round++);
    await pause(wait ? later : rest);
  }
}
