/**
 * What the shim's tests have in common: shims that run a shell, and the engine's side of their sockets.
 * @module
 */
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  flags,
  int,
  O,
  ProgramBuilder,
  struct,
  vector,
  type Program,
  type ShimOptions,
} from "../../src/kernel/mod.ts";
import { CWD, NONE } from "./programs.ts";

/** Flags of an attach. */
export const STDIN = 1;
export const OUTPUT = 6;
/** Phases of a state. */
export const HELD = 1;
export const RUNNING = 2;
export const EXITED = 3;
/** Messages to a shim. */
export const SIGNAL = 1;
export const RESIZE = 2;
export const CLOSE_STDIN = 3;
export const ROTATE = 4;
export const GO = 5;
export const EXPECT = 6;

/** One record of a log. */
export interface LogRecord {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

/** What a shim says about its process. */
export interface State {
  readonly phase: number;
  readonly pid: number;
  readonly code: number;
  readonly signal: number;
}

/**
 * A program that runs `script` in a shell with the shim's streams or a new terminal; with `hold` it waits for GO.
 * `before` adds what the shim does first.
 */
export function shell(
  script: string,
  options: { tty?: boolean; hold?: boolean; before?: (b: ProgramBuilder) => void } = {},
): Program {
  const b = new ProgramBuilder();
  const [stdin, stdout, stderr, terminal] = [
    b.slot("stdin"),
    b.slot("stdout"),
    b.slot("stderr"),
    b.slot("terminal"),
  ];
  const [channel, pidfd, other] = [b.slot("channel"), b.slot("pidfd"), b.slot("other")];
  options.before?.(b);
  if (options.tty === true) {
    const how = flags(O, "RDWR", "NOCTTY", "CLOEXEC");
    b.call("open a terminal", "openat", [CWD, "/dev/ptmx", how, 0], { into: terminal });
    b.call("unlock it", "ioctl", [terminal, int(0x40045431, "TIOCSPTLCK"), struct(new Uint8Array(4), "[0]")]);
  }
  const child = b.clone("start the process", { flags: NONE, channel, pidfd }, () => {
    b.composite("wait for the shim", "await", [channel, 1]);
    if (options.tty === true) {
      b.call("new session", "setsid", []);
      const how = flags(O, "RDWR", "CLOEXEC");
      b.call("its side", "ioctl", [terminal, int(0x5441, "TIOCGPTPEER"), how], { into: other });
      b.call("control it", "ioctl", [other, int(0x540e, "TIOCSCTTY"), 0]);
    }
    [stdin, stdout, stderr].forEach((slot, i) =>
      b.call(`descriptor ${i}`, "dup3", [options.tty === true ? other : slot, i, 0]),
    );
    b.call("execute", "execve", ["/bin/sh", vector(["sh", "-c", script]), vector(["PATH=/usr/bin:/bin"])]);
  });
  b.composite("name the process", "process", [child, pidfd]);
  if (options.hold === true) b.composite("wait for GO", "hold", []);
  b.composite("let it go on", "sync", [channel, 0]);
  b.composite("wait until it executes", "await", [channel, 2]);
  return b.build();
}

/** The options of a shim in a new directory below `parent`, with a log unless told otherwise. */
export function shimIn(parent: string, program: Program, options: Partial<ShimOptions> = {}): ShimOptions {
  const directory = mkdtempSync(join(parent, "shim-"));
  return {
    id: "test",
    directory,
    program,
    tty: false,
    openStdin: false,
    stdinOnce: false,
    expectedAttaches: 0,
    rows: 0,
    columns: 0,
    log: { path: join(directory, "x-json.log"), limit: 0, files: 1 },
    ...options,
  };
}

/** Waits until `condition` holds; fails after four seconds, before the test itself is stopped. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (condition()) return;
    await delay(10);
  }
  throw new Error(`${what}: not in 4 s`);
}

/** The exit record, once the shim has left. */
export async function ended({
  directory,
}: ShimOptions): Promise<{ pid: number; code: number; signal: number }> {
  await until(`the shim in ${directory} ends`, () => !existsSync(join(directory, "shim.sock")));
  return JSON.parse(readFileSync(join(directory, "exit"), "utf8"));
}

/** The records of the log, or of one that was rotated. */
export function records({ log }: ShimOptions, suffix = ""): LogRecord[] {
  const lines = readFileSync(`${log?.path}${suffix}`, "utf8").split("\n");
  expectEnd(lines.pop());
  return lines.map((line) => JSON.parse(line));
}

function expectEnd(rest: string | undefined): void {
  if (rest !== "") throw new Error(`the log ends within a record: ${rest}`);
}

async function open(directory: string, hello: readonly [number, number]): Promise<Socket> {
  const path = join(directory, "shim.sock");
  await until(`${path} exists`, () => existsSync(path));
  // Between bind(2) and listen(2) it refuses.
  for (let tries = 0; ; tries++) {
    const socket = connect({ path, allowHalfOpen: true });
    const connected = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.on("error", () => resolve(false));
    });
    if (connected === true) {
      socket.write(Buffer.from([...hello, 0, 0, 0, 0, 0, 0]));
      return socket;
    }
    if (tries > 100) throw new Error(`nobody listens on ${path}`);
    await delay(10);
  }
}

/** An attached client. It takes nothing before `output` is called. */
export class Attach {
  private constructor(readonly socket: Socket) {}

  static async to({ directory }: ShimOptions, streams: number): Promise<Attach> {
    return new Attach(await open(directory, [2, streams]));
  }

  /** Everything until the shim closes the connection. */
  async output(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    this.socket.on("data", (piece: Buffer) => pieces.push(piece));
    this.socket.resume();
    await new Promise((resolve) => this.socket.once("end", resolve));
    this.socket.destroy();
    return Buffer.concat(pieces);
  }

  /** The same, taken apart into stdout and stderr. */
  async streams(): Promise<{ stdout: string; stderr: string }> {
    const all = await this.output();
    const parts: [Buffer[], Buffer[]] = [[], []];
    for (let at = 0; at < all.length;) {
      const end = at + 8 + all.readUInt32BE(at + 4);
      parts[all[at] === 2 ? 1 : 0].push(all.subarray(at + 8, end));
      at = end;
    }
    const [stdout, stderr] = parts.map((pieces) => Buffer.concat(pieces).toString());
    return { stdout: stdout ?? "", stderr: stderr ?? "" };
  }
}

/** A control connection. */
export class Control {
  readonly states: State[] = [];
  #rest: Buffer = Buffer.alloc(0);

  private constructor(readonly socket: Socket) {
    socket.on("data", (piece: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, piece]);
      for (; this.#rest.length >= 48; this.#rest = this.#rest.subarray(48)) {
        const at = this.#rest;
        const [phase = 0, pid, code, signal] = [
          at[8],
          at.readInt32LE(12),
          at.readInt32LE(16),
          at.readInt32LE(20),
        ];
        this.states.push({ phase, pid, code, signal });
      }
    });
  }

  static async to({ directory }: ShimOptions): Promise<Control> {
    return new Control(await open(directory, [1, 0]));
  }

  say(type: number, number = 0): void {
    const message = Buffer.alloc(8);
    message.writeUInt8(type, 0);
    message.writeUInt32LE(number, 4);
    this.socket.write(message);
  }

  /** Waits for a state of this phase. */
  async reached(phase: number): Promise<State> {
    await until(`phase ${phase}`, () => this.states.some((state) => state.phase === phase));
    const found = this.states.find((state) => state.phase === phase);
    if (found === undefined) throw new Error(`no phase ${phase}`);
    return found;
  }
}
