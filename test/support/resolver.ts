/**
 * A resolver for a test, in a network namespace of its own with name servers on 127.0.0.1 and further, and relays that ask it.
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ResolverClient } from "../../src/network/dns/client.ts";
import { decodeMessage, encodeMessage, optRecord, types, type Message } from "../../src/network/dns/codec.ts";
import { encodeFrame } from "../../src/network/dns/frames.ts";
import type { Seen } from "./dns-upstream.ts";
import { caisson, ended, type Ended } from "./engine.ts";
import { patience } from "./patience.ts";

/** Name servers on these addresses. */
export const upstreams: readonly string[] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

/** Milliseconds after which something hangs. */
const deadline = 30_000 * patience;

/** Resolves when `condition` holds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + deadline;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`this never came: ${what}`);
    await delay(5);
  }
}

/** The namespace, the name servers, the resolver's place, and an engine's line to it. */
export class ResolverWorld implements AsyncDisposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "caisson-dns."));
  readonly #namespace: ChildProcess;
  readonly #upstream: ChildProcess;
  readonly #clients: ResolverClient[] = [];
  readonly #relays: FakeRelay[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #seen: Seen[] = [];

  private constructor(namespace: ChildProcess) {
    this.#namespace = namespace;
    this.useServers(upstreams);
    this.#upstream = spawn(
      "nsenter",
      [this.#net, process.execPath, join(import.meta.dir, "dns-upstream.ts"), ...upstreams],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
  }

  static async start(): Promise<ResolverWorld> {
    const namespace = spawn(
      "unshare",
      ["--net", "sh", "-c", "ip link set lo up && echo && exec sleep infinity"],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await new Promise((resolve, reject) => {
      namespace.stdout?.once("data", resolve);
      namespace.once("exit", () => reject(new Error("cannot make a network namespace; run as root?")));
    });
    const world = new ResolverWorld(namespace);
    let ready = false;
    let rest = "";
    world.#upstream.stdout?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "ready") ready = true;
        else world.#seen.push(JSON.parse(line) as Seen);
      }
    });
    await until("the name servers", () => ready);
    return world;
  }

  get #net(): string {
    return `--net=/proc/${this.#namespace.pid}/ns/net`;
  }

  get #command(): readonly [string, ...string[]] {
    return ["/usr/bin/nsenter", this.#net, caisson, "resolver"];
  }

  get resolvConf(): string {
    return join(this.directory, "resolv.conf");
  }

  /** Where the resolver's sockets are. */
  get place(): string {
    return join(this.directory, "dns");
  }

  /** Writes the host's resolv.conf as a VPN's client does: a new file in place of the old one. */
  useServers(servers: readonly string[]): void {
    const text = servers.map((server) => `nameserver ${server}\n`).join("");
    writeFileSync(`${this.resolvConf}.new`, text);
    renameSync(`${this.resolvConf}.new`, this.resolvConf);
  }

  /** An engine's line to the resolver, which starts it. */
  client(version = "1"): ResolverClient {
    const client = new ResolverClient({
      version,
      directory: this.place,
      command: this.#command,
      resolvConf: this.resolvConf,
    });
    this.#clients.push(client);
    return client;
  }

  /** Starts a resolver without an engine. */
  startResolver(): ChildProcess {
    const [program, ...args] = [...this.#command, this.place, "1", this.resolvConf];
    return spawn(program ?? "", args, { stdio: "inherit", detached: true });
  }

  /** The resolver's process; undefined while there is none. */
  get pid(): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.place, "pid"), "utf8"));
      return pid > 0 && existsSync(`/proc/${pid}`) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** Kills the resolver; resolves when it is gone. */
  async killResolver(): Promise<void> {
    const { pid } = this;
    if (pid === undefined) throw new Error("there is no resolver");
    process.kill(pid, "SIGKILL");
    await until("the resolver's end", () => !runs(pid));
  }

  /** A relay of the container `id`, connected. */
  async relay(id: string): Promise<FakeRelay> {
    const relay = await FakeRelay.connect(join(this.place, "relay.sock"), id);
    this.#relays.push(relay);
    return relay;
  }

  /** Starts a program in the namespace; it ends with the test. Returns its pid. */
  spawnInside(command: string, args: readonly string[]): number {
    const child = spawn("nsenter", [this.#net, command, ...args], {
      cwd: "/",
      stdio: ["ignore", "inherit", "inherit"],
    });
    this.#children.push(child);
    return child.pid ?? 0;
  }

  /** Runs a program to its end in the namespace. */
  runInside(command: string, args: readonly string[]): Ended {
    return ended(spawnSync("nsenter", [this.#net, command, ...args], { cwd: "/" }));
  }

  /** The same, without holding up this process. */
  async runInsideLater(command: string, args: readonly string[]): Promise<{ readonly stdout: string }> {
    const child = spawn("nsenter", [this.#net, command, ...args], {
      cwd: "/",
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
    await new Promise((resolve) => child.once("close", resolve));
    return { stdout };
  }

  /** What the name servers have been asked so far; one more question, by `relay`, shows that nothing is on its way. */
  async asked(relay: FakeRelay): Promise<readonly Seen[]> {
    const mark = `mark${this.#seen.length}.example`;
    await relay.ask(mark);
    await until("the last question", () => this.#seen.some(({ name }) => name === mark));
    return this.#seen.filter(({ name }) => !name.startsWith("mark"));
  }

  /** All containers end. */
  async closeRelays(): Promise<void> {
    for (const { socket } of this.#relays) socket.destroy();
    await until("the relays' end", () => this.#relays.every(({ socket }) => socket.destroyed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const relay of this.#relays) relay.socket.destroy();
    const { pid } = this;
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    if (pid !== undefined) await until("the resolver's end", () => !runs(pid));
    for (const child of this.#children) child.kill("SIGKILL");
    this.#upstream.kill("SIGKILL");
    this.#namespace.kill("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * Whether anything of the process runs. A killed one's main thread may be a zombie while another one still holds its sockets,
 * to which one can connect.
 */
export function runs(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.some((thread) => {
      try {
        return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

/** How a question is asked. */
export interface Asking {
  readonly type?: keyof typeof types;
  readonly tcp?: boolean;
  readonly size?: number;
}

const [BY_UDP, BY_TCP] = [0, 1];
/** Octets of an asker's address. */
const ASKER = 16;

/** Writes the messages of a stream, each behind its length, to `take`. */
function messages(stream: Socket, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on("error", () => stream.destroy());
  stream.on("data", (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      take(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
  });
}

/** What native/'s relay does, without a container. */
export class FakeRelay {
  /** The link, for what is asked by UDP. */
  readonly socket: Socket;
  readonly #path: string;
  readonly #id: string;
  readonly #waiting = new Map<number, (answer: Message) => void>();
  #tag = 0;
  /** Answers that came. */
  answers = 0;
  /** Calls of {@link ask} in the order in which they were answered. */
  readonly order: string[] = [];

  private constructor(socket: Socket, path: string, id: string) {
    this.socket = socket;
    this.#path = path;
    this.#id = id;
    messages(socket, (frame) => this.#take(frame.readUInt32BE(0), frame.subarray(ASKER)));
  }

  static async connect(path: string, id: string): Promise<FakeRelay> {
    return new FakeRelay(await dial(path, id, BY_UDP), path, id);
  }

  /** A connection by TCP of the same container. */
  async stream(): Promise<Socket> {
    return await dial(this.#path, this.#id, BY_TCP);
  }

  #take(tag: number, message: Buffer): void {
    const answer = decodeMessage(message);
    if (answer === undefined) throw new Error("the resolver's answer is none");
    this.answers += 1;
    this.order.push(answer.questions[0]?.name ?? "");
    this.#waiting.get(tag)?.(answer);
    this.#waiting.delete(tag);
  }

  /** Asks, and resolves with the answer. */
  ask(name: string, how: Asking = {}): Promise<Message> {
    const tag = (this.#tag += 1);
    if (how.tcp === true) void this.#askByTcp(tag, name, how);
    else this.socket.write(frameOf(tag, name, how));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name} was never answered`)), deadline);
      this.#waiting.set(tag, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  async #askByTcp(tag: number, name: string, how: Asking): Promise<void> {
    const socket = await this.stream();
    messages(socket, (message) => this.#take(tag, message));
    socket.end(frameOf(tag, name, how));
  }

  /** Asks and takes the answer's addresses; its code instead if it isn't 0. */
  async addresses(name: string, how: Asking = {}): Promise<readonly string[] | number> {
    const { flags, answers } = await this.ask(name, how);
    if ((flags & 15) !== 0) return flags & 15;
    return answers.flatMap(({ data }) =>
      data.kind === "address" ? data.address : data.kind === "name" ? data.name : [],
    );
  }
}

/** A connection to the resolver, on which it was told for whom it is. */
async function dial(path: string, id: string, transport: number): Promise<Socket> {
  const end = Date.now() + deadline;
  for (;;) {
    const socket = await new Promise<Socket | undefined>((resolve) => {
      const trying = connect({ path, allowHalfOpen: true });
      trying.once("connect", () => resolve(trying));
      trying.once("error", () => resolve(undefined));
    });
    if (socket !== undefined) {
      socket.on("end", () => socket.end());
      socket.write(Buffer.concat([Buffer.from([transport, id.length]), Buffer.from(id)]));
      return socket;
    }
    if (Date.now() > end) throw new Error(`nobody listens on ${path}`);
    await delay(50);
  }
}

/** A question in a frame. */
export function frameOf(tag: number, name: string, how: Asking = {}): Buffer {
  const message = encodeMessage({
    id: tag & 0xffff,
    flags: 0x100,
    questions: [{ name, type: types[how.type ?? "A"], class: 1 }],
    answers: [],
    authorities: [],
    additionals: how.size === undefined ? [] : [optRecord(how.size, false)],
  });
  if (message === undefined) throw new Error(`${name} is no name`);
  const asker = Buffer.alloc(how.tcp === true ? 0 : ASKER);
  if (how.tcp !== true) asker.writeUInt32BE(tag);
  return encodeFrame({ asker, message });
}
