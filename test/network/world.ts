/**
 * Hosts of a test's network, each a network namespace with an {@link AgentRequest agent} in it. Nothing leads out of them.
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Executors, runHostProgram, type Output } from "../../src/kernel/mod.ts";
import { patience } from "../support/patience.ts";
import type { AgentRequest } from "./agent.ts";

const native = join(import.meta.dir, "../../native/build/caisson-native");
const agent = join(import.meta.dir, "agent.ts");
/** Milliseconds in which whoever answers answers. */
const QUIET = 400 * patience;

/** One network namespace. */
export class NetworkHost implements Disposable {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (result: string) => void>();
  #next = 1;

  /** A namespace of its own, or the one of process `inside`: then its end ends nobody else. */
  constructor(inside?: number) {
    const enter = inside === undefined ? ["unshare", "--net"] : ["nsenter", "-t", String(inside), "-n"];
    const [command, ...args] = [...enter, process.execPath, agent];
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.on("exit", (code) => {
      for (const answer of this.#waiting.values()) answer(`the agent has ended: ${code}`);
      this.#waiting.clear();
    });
    const { stdout } = this.#process;
    if (stdout === null) throw new Error("the agent has no output");
    createInterface({ input: stdout }).on("line", (line) => {
      const { id, result } = JSON.parse(line) as { readonly id: number; readonly result: string };
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** Begins to serve a port, and only then resolves. */
  async serve(port: number, address = "::"): Promise<void> {
    const result = await this.#ask({ do: "serve", address, port });
    if (result !== "serving") throw new Error(`serve ${address} ${port}: ${result}`);
  }

  /** What a TCP server says: `ADDRESS at PORT`, as whom it sees us and where; `silence`, or an errno. */
  async tcp(address: string, port: number, quiet: number = QUIET): Promise<string> {
    return this.#ask({ do: "tcp", address, port, patience: quiet });
  }

  /** The same of a UDP server. */
  async udp(address: string, port: number, quiet: number = QUIET): Promise<string> {
    return this.#ask({ do: "udp", address, port, patience: quiet });
  }

  /** Runs a shell script in the namespace; its output. Throws if it fails. */
  sh(script: string): string {
    const args = ["-t", String(this.pid), "-n", "sh", "-ec", script];
    const { status, stdout, stderr } = spawnSync("nsenter", args, { encoding: "utf8", maxBuffer: 1 << 26 });
    if (status !== 0) throw new Error(`${script}: ${stderr}`);
    return stdout;
  }

  /** Runs a program in the namespace, as {@link runHostProgram} does. */
  run = async (command: readonly [string, ...string[]], input?: string): Promise<Output> =>
    runHostProgram(["nsenter", "-t", String(this.pid), "-n", ...command], input);

  /** A TCP server on a socket to which packets for other ports may be steered (IP_TRANSPARENT, ip(7)). */
  transparent(port: number): { readonly ready: Promise<void>; end(): void } {
    const script = `import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.setsockopt(0, 19, 1)
s.bind(("0.0.0.0", ${port})); s.listen(); print("ready", flush=True)
while True:
  c, a = s.accept(); c.sendall(f"{a[0]} at {c.getsockname()[1]}".encode()); c.close()`;
    const args = ["-t", String(this.pid), "-n", "python3", "-c", script];
    const server = spawn("nsenter", args, { stdio: ["ignore", "pipe", "inherit"] });
    const ready = new Promise<void>((resolve) => server.stdout.once("data", () => resolve()));
    return { ready, end: () => server.kill("SIGKILL") };
  }

  /** Executors in the namespace. */
  executors(): Executors & Disposable {
    const folder = mkdtempSync(join(tmpdir(), "caisson-network."));
    const path = join(folder, "caisson-native");
    writeFileSync(path, `#!/bin/sh\nexec nsenter -t ${this.pid} -n ${native} "$@"\n`, { mode: 0o700 });
    const executors = new Executors(path);
    return Object.assign(executors, {
      [Symbol.dispose]() {
        executors.close();
        rmSync(folder, { recursive: true });
      },
    });
  }

  /** Resolves when the namespace is there. */
  async ready(): Promise<this> {
    await this.#ask({ do: "udp", address: "127.0.0.1", port: 9, patience: 0 });
    this.sh("ip link set lo up");
    return this;
  }

  /** Leads a cable from here to `other`. Each end: `NAME ADDRESS…`, the addresses with their prefix lengths. */
  cable(here: string, other: NetworkHost, there: string): void {
    const [name = "", ...addresses] = here.split(" ");
    const [otherName = "", ...otherAddresses] = there.split(" ");
    this.sh(`ip link add ${name} type veth peer name ${otherName} netns ${other.pid}`);
    this.addresses(name, addresses);
    other.addresses(otherName, otherAddresses);
  }

  /** Gives a link addresses, and starts it. */
  addresses(link: string, addresses: readonly string[]): void {
    // Duplicate address detection keeps an IPv6 address waiting for a second.
    const nodad = (value: string): string => (value.includes(":") ? " nodad" : "");
    const commands = addresses.map((value) => `ip addr add ${value} dev ${link}${nodad(value)}`);
    this.sh([...commands, `ip link set ${link} up`].join("\n"));
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }

  #ask(request: AgentRequest): Promise<string> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }
}
