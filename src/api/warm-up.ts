/**
 * The first containers after the daemon's start shall be as quick as later ones: what their requests run through is run
 * on containers for practice until the JIT has compiled it, while nobody wants anything.
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { Agent, request, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
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

/** What is sent beside method and path. */
interface Asked {
  readonly body?: object;
  /** The connection becomes a stream, and no answer comes to an end. */
  readonly upgrade?: boolean;
}

/** A client in this process, one request at a time over one connection. */
class Practice implements Disposable {
  readonly #path: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #stream: Duplex | undefined;

  /** Its server listens at `path`. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Asks; the answer's body. */
  async ask(method: string, path: string, asked?: Asked): Promise<string> {
    return await (
      await this.begin(method, path, asked)
    ).told;
  }

  /** Asks; resolves when the answer begins, with its body. Throws if it isn't one of success. */
  async begin(
    method: string,
    path: string,
    { body, upgrade = false }: Asked = {},
  ): Promise<{ readonly told: Promise<string> }> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = {
      "User-Agent": "warm-up",
      "Content-Length": text.length,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(upgrade ? { Connection: "Upgrade", Upgrade: "tcp" } : {}),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage | undefined>();
    const outgoing = request({ socketPath: this.#path, agent: this.#agent, method, path, headers }, resolve);
    outgoing.once("upgrade", (_, stream) => {
      this.#stream = stream.resume();
      resolve(undefined);
    });
    outgoing.once("error", reject);
    outgoing.end(text);
    const answer = await promise;
    if (answer === undefined) return { told: Promise.resolve("") };
    const told = Array.fromAsync<Buffer>(answer).then((chunks) => Buffer.concat(chunks).toString("utf8"));
    if ((answer.statusCode ?? 0) >= 300) throw failure("internal", { message: await told });
    return { told };
  }

  [Symbol.dispose](): void {
    this.#stream?.destroy();
    this.#agent.destroy();
  }
}

/** One container. What is new of it is practised, and what is as it was. */
async function practise(client: Practice, other: () => Practice, round: number): Promise<void> {
  const AutoRemove = round % 2 === 1;
  const Cmd = round % 8 < 2 ? ["true", String(round)] : ["true"];
  const wanted = { Image: "warm-up", Cmd, HostConfig: { NetworkMode: "none", AutoRemove } };
  const created = await client.ask("POST", "/v1.44/containers/create", { body: wanted });
  const { Id } = JSON.parse(created) as { Id: string };
  const container = `/v1.44/containers/${Id}`;
  if (AutoRemove) {
    // As `docker run --rm` does it.
    using attached = other();
    using waiting = other();
    await attached.ask("POST", `${container}/attach?stderr=1&stdout=1&stream=1`, { upgrade: true });
    const removed = await waiting.begin("POST", `${container}/wait?condition=removed`);
    await Promise.all([removed.told, client.ask("POST", `${container}/start`)]);
  } else {
    await client.ask("POST", `${container}/start`);
    await client.ask("POST", `${container}/wait`);
    await client.ask("DELETE", container);
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
