/**
 * An engine for a test: `dist/caisson daemon` with a network namespace, directories and a socket of its own.
 * @module
 */
import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { patience } from "./patience.ts";

/** What `make build` made. */
export const caisson: string = join(import.meta.dir, "../../dist/caisson");

const patienceMs = 20_000 * patience;

/** What an engine answered. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** The body, parsed. */
  json<T>(): T;
}

/** What a command came to. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running engine. Disposing of it removes its containers, ends it and deletes everything of it. */
export class TestEngine implements AsyncDisposable {
  /** Where everything of this engine lies. */
  readonly directory: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly socket: string;
  /** `unix://…` for DOCKER_HOST. */
  readonly host: string;
  /** What the daemon is started from. */
  executable: string = caisson;
  readonly #namespace: ChildProcess;
  readonly #flags: readonly string[];
  /** Whether it has a mount namespace of its own. */
  readonly #mounts: boolean;
  #daemon: ChildProcess | undefined;

  private constructor(namespace: ChildProcess, flags: readonly string[], mounts: boolean) {
    this.directory = mkdtempSync(join(tmpdir(), "caisson-test."));
    this.dataRoot = join(this.directory, "data");
    this.execRoot = join(this.directory, "run");
    this.socket = join(this.directory, "sock");
    this.host = `unix://${this.socket}`;
    this.#namespace = namespace;
    this.#flags = flags;
    this.#mounts = mounts;
  }

  /** Starts an engine with `flags` beside those that give it a place of its own. Resolves when it answers. */
  static async start(...flags: readonly string[]): Promise<TestEngine> {
    return TestEngine.#startIn(["--net"], flags);
  }

  /** The same in a mount namespace of its own, whose mounts nobody else sees; {@link runInside} makes some. */
  static async startWithMounts(...flags: readonly string[]): Promise<TestEngine> {
    return TestEngine.#startIn(["--net", "--mount", "--propagation=private"], flags);
  }

  /** The same, but `prepare` is called before the daemon is started: the engine's folder is there, and nothing in it. */
  static async startPrepared(
    prepare: (engine: TestEngine) => void,
    ...flags: readonly string[]
  ): Promise<TestEngine> {
    return TestEngine.#startIn(["--net", "--mount", "--propagation=private"], flags, prepare);
  }

  static async #startIn(
    spaces: readonly string[],
    flags: readonly string[],
    prepare: (engine: TestEngine) => void = () => undefined,
  ): Promise<TestEngine> {
    const namespace = spawn(
      "unshare",
      [...spaces, "sh", "-c", "ip link set lo up && echo && exec sleep infinity"],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await new Promise((resolve, reject) => {
      namespace.stdout?.once("data", resolve);
      namespace.once("exit", () =>
        reject(new Error("cannot make a network namespace; are these tests run as root?")),
      );
    });
    const engine = new TestEngine(namespace, flags, spaces.includes("--mount"));
    try {
      prepare(engine);
      await engine.resume();
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    return engine;
  }

  /** A process in its network namespace that stays when the daemon is gone. */
  get namespace(): number {
    return this.#namespace.pid ?? 0;
  }

  /** The daemon's process. */
  get pid(): number {
    const pid = this.#daemon?.pid;
    if (pid === undefined) throw new Error("the engine does not run");
    return pid;
  }

  /** What the daemon has logged. */
  log(): string {
    const path = join(this.directory, "log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** Starts the daemon again after {@link stop} or {@link kill}, on the same data. Resolves when it answers. */
  async resume(): Promise<void> {
    const log = openSync(join(this.directory, "log"), "a", 0o600);
    const daemon = spawn(
      "nsenter",
      [
        ...this.#enter(),
        this.executable,
        "daemon",
        `--host=${this.host}`,
        `--data-root=${this.dataRoot}`,
        `--exec-root=${this.execRoot}`,
        `--pidfile=${join(this.directory, "pid")}`,
        ...this.#flags,
      ],
      { cwd: "/", stdio: ["ignore", log, log] },
    );
    closeSync(log);
    this.#daemon = daemon;
    const deadline = Date.now() + patienceMs;
    while (!(await this.#answers())) {
      if (daemon.exitCode !== null || daemon.signalCode !== null || Date.now() > deadline) {
        throw new Error(`the engine does not answer:\n${this.log()}`);
      }
      await delay(10);
    }
  }

  /** Ends the daemon as an administrator does. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Kills the daemon: no code of it runs any more. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Sends a request and reads the whole answer. `body` is JSON unless it is bytes. */
  async request(method: string, path: string, body?: Uint8Array | object): Promise<Answer> {
    return ask(this.socket, method, path, body);
  }

  /** Runs caisson's command line against this engine. */
  caisson(args: readonly string[], input?: string | Uint8Array): Ended {
    return ended(
      spawnSync(caisson, args, {
        cwd: this.directory,
        env: { ...process.env, DOCKER_HOST: this.host },
        maxBuffer: 1 << 30,
        ...(input === undefined ? {} : { input }),
      }),
    );
  }

  /** Starts a program beside the daemon: in the engine's network namespace. */
  spawnInside(command: string, args: readonly string[]): ChildProcess {
    return spawn("nsenter", [...this.#enter(), command, ...args], { cwd: "/", stdio: "ignore" });
  }

  /** Runs a program to its end in the engine's namespaces. */
  runInside(command: string, args: readonly string[]): Ended {
    return ended(spawnSync("nsenter", [...this.#enter(), command, ...args], { cwd: "/" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (await this.#answers()) {
        const containers = (await this.request("GET", "/containers/json?all=1")).json<
          { readonly Id: string }[]
        >();
        for (const { Id } of containers) await this.request("DELETE", `/containers/${Id}?force=1&v=1`);
      }
      await this.stop();
    } finally {
      this.#namespace.kill("SIGKILL");
      rmSync(this.directory, { recursive: true, force: true });
    }
  }

  #enter(): readonly string[] {
    const folder = `/proc/${this.#namespace.pid}/ns`;
    return [`--net=${folder}/net`, ...(this.#mounts ? [`--mount=${folder}/mnt`] : [])];
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.request("GET", "/_ping")).status === 200;
    } catch {
      return false;
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
    daemon.kill(signal);
    const slow = setTimeout(() => daemon.kill("SIGKILL"), patienceMs);
    await gone;
    clearTimeout(slow);
  }
}

/** Sends a request to the engine at `socketPath`, of whatever make, and reads the whole answer. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: Uint8Array | object,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const raw = body instanceof Uint8Array;
    const payload = body === undefined ? undefined : raw ? body : JSON.stringify(body);
    const headers = {
      "Content-Type": raw ? "application/x-tar" : "application/json",
      "Content-Length": payload === undefined ? 0 : Buffer.byteLength(payload),
    };
    const outgoing = request({ socketPath, method, path, agent: false, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const whole = Buffer.concat(chunks);
        const json = <T>(): T => JSON.parse(whole.toString("utf8"));
        resolve({ status: response.statusCode ?? 0, body: whole, json });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(payload);
  });
}

/** A finished command, as text. */
export function ended(result: SpawnSyncReturns<Buffer>): Ended {
  if (result.error !== undefined) throw result.error;
  return {
    code: result.status,
    stdout: result.stdout.toString("utf8"),
    stderr: result.stderr.toString("utf8"),
  };
}
