/**
 * dockerd, in a network namespace of its own, for tests that compare.
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ask, type Answer } from "./engine.ts";
import { patience } from "./patience.ts";

const root = process.env["CAISSON_PEERS"] ?? "/var/tmp/caisson-peers";
const programs = [join(root, "usr/sbin"), join(root, "usr/bin")];

/** For `testUnless`: why there is nothing to compare with. */
export const noPeer: string | undefined = existsSync(join(root, "usr/sbin/dockerd"))
  ? spawnSync("sh", ["-c", "command -v runc && command -v iptables"]).status === 0
    ? undefined
    : "dockerd needs runc and iptables"
  : `no dockerd in ${root}`;

/** A running dockerd. Disposing of it removes its containers, ends it and deletes everything of it. */
export class Peer implements AsyncDisposable {
  readonly directory: string;
  readonly socket: string;
  readonly #process: ChildProcess;

  private constructor(flags: readonly string[]) {
    this.directory = mkdtempSync(join(tmpdir(), "caisson-peer."));
    this.socket = join(this.directory, "sock");
    const at = (name: string): string => join(this.directory, name);
    const daemon = [
      "dockerd",
      `--host=unix://${this.socket}`,
      `--data-root=${at("data")}`,
      `--exec-root=${at("run")}`,
      `--pidfile=${at("pid")}`,
      ...flags,
    ];
    const script = 'ip link set lo up && exec "$@" >"$LOG" 2>&1';
    this.#process = spawn("unshare", ["--net", "sh", "-c", script, "sh", ...daemon], {
      cwd: "/",
      stdio: "ignore",
      env: { ...process.env, PATH: [...programs, process.env["PATH"]].join(":"), LOG: at("log") },
    });
  }

  /** Starts one with `flags` beside those that give it a place of its own. Resolves when it answers. */
  static async start(...flags: readonly string[]): Promise<Peer> {
    const peer = new Peer(flags);
    const deadline = Date.now() + 30_000 * patience;
    for (;;) {
      try {
        if ((await peer.request("GET", "/_ping")).status === 200) return peer;
      } catch {
        // It listens a while after it was started.
      }
      if (peer.#process.exitCode !== null || Date.now() > deadline) {
        const log = readFileSync(join(peer.directory, "log"), "utf8");
        await peer[Symbol.asyncDispose]();
        throw new Error(`dockerd does not answer:\n${log}`);
      }
      await delay(50);
    }
  }

  /** A process in its network namespace: it itself. */
  get namespace(): number {
    return this.#process.pid ?? 0;
  }

  /** Sends a request and reads the whole answer. */
  async request(method: string, path: string, body?: Uint8Array | object): Promise<Answer> {
    return ask(this.socket, method, path, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const process = this.#process;
    if (process.exitCode === null && process.signalCode === null) {
      const containers = await this.request("GET", "/containers/json?all=1").catch(() => undefined);
      for (const { Id } of containers?.json<{ readonly Id: string }[]>() ?? []) {
        await this.request("DELETE", `/containers/${Id}?force=1&v=1`);
      }
      const gone = new Promise<void>((resolve) => process.once("exit", () => resolve()));
      process.kill("SIGTERM");
      const slow = setTimeout(() => process.kill("SIGKILL"), 20_000 * patience);
      await gone;
      clearTimeout(slow);
    }
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    const own = mounts
      .flatMap((line) => line.split(" ")[4] ?? [])
      .filter((path) => path.startsWith(`${this.directory}/`));
    for (const path of own.reverse()) spawnSync("umount", ["-l", path]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
