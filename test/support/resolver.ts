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
import { encodeFrame, FrameReader, helloTag, transports } from "../../src/network/dns/frames.ts";
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

  /** Starts a program in the namespace; it ends with the test. */
  spawnInside(command: string, args: readonly string[]): void {
    const child = spawn("nsenter", [this.#net, command, ...args], {
      cwd: "/",
      stdio: ["ignore", "inherit", "inherit"],
    });
    this.#children.push(child);
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

/** What native/'s relay does, without a container. */
export class FakeRelay {
  readonly socket: Socket;
  readonly #frames = new FrameReader();
  readonly #waiting = new Map<number, (answer: Message) => void>();
  #tag = 0;
  /** Answers that came. */
  answers = 0;
  /** Calls of {@link ask} in the order in which they were answered. */
  readonly order: string[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      for (const { tag, payload } of this.#frames.push(chunk) ?? []) {
        const answer = decodeMessage(payload);
        if (answer === undefined) throw new Error("the resolver's answer is none");
        this.answers += 1;
        this.order.push(answer.questions[0]?.name ?? "");
        this.#waiting.get(tag)?.(answer);
        this.#waiting.delete(tag);
      }
    });
  }

  static async connect(path: string, id: string): Promise<FakeRelay> {
    const end = Date.now() + deadline;
    for (;;) {
      const socket = await new Promise<Socket | undefined>((resolve) => {
        const trying = connect(path);
        trying.once("connect", () => resolve(trying));
        trying.once("error", () => resolve(undefined));
      });
      if (socket !== undefined) {
        socket.write(encodeFrame({ tag: helloTag, transport: transports.hello, payload: Buffer.from(id) }));
        return new FakeRelay(socket);
      }
      if (Date.now() > end) throw new Error(`nobody listens on ${path}`);
      await delay(50);
    }
  }

  /** Asks, and resolves with the answer. */
  ask(name: string, how: Asking = {}): Promise<Message> {
    const tag = (this.#tag += 1);
    this.socket.write(frameOf(tag, name, how));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name} was never answered`)), deadline);
      this.#waiting.set(tag, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
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

/** A question in a frame. */
export function frameOf(tag: number, name: string, how: Asking = {}): Buffer {
  const payload = encodeMessage({
    id: tag & 0xffff,
    flags: 0x100,
    questions: [{ name, type: types[how.type ?? "A"], class: 1 }],
    answers: [],
    authorities: [],
    additionals: how.size === undefined ? [] : [optRecord(how.size, false)],
  });
  if (payload === undefined) throw new Error(`${name} is no name`);
  return encodeFrame({ tag, transport: how.tcp === true ? transports.tcp : transports.udp, payload });
}
