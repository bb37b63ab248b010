/**
 * A network namespace for a test, with an executor that is in it.
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { CLONE, CWD, Executor, flags, O, open, ProgramBuilder, type Outcome } from "../../src/kernel/mod.ts";
import { binary } from "../native/programs.ts";

/** A network namespace. Disposing of it ends everything in it. */
export class TestSandbox implements Disposable {
  readonly #process: ChildProcess;
  readonly #executor: Executor;

  private constructor(process: ChildProcess, executor: Executor) {
    this.#process = process;
    this.#executor = executor;
  }

  /** Makes one whose loopback is up. Its executor does nothing in the namespace of whoever asked. */
  static async make(): Promise<TestSandbox> {
    const process = spawn(
      "unshare",
      ["--net", "sh", "-c", "ip link set lo up && echo && exec sleep infinity"],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await new Promise((resolve, reject) => {
      process.stdout?.once("data", resolve);
      process.once("exit", () =>
        reject(new Error("cannot make a network namespace; are these tests run as root?")),
      );
    });
    const sandbox = new TestSandbox(process, Executor.start(binary));
    await sandbox.run((b) => {
      const namespace = b.slot("namespace");
      open(
        b,
        "open the namespace",
        CWD,
        `/proc/${sandbox.pid}/ns/net`,
        flags(O, "RDONLY", "CLOEXEC"),
        namespace,
      );
      b.call("enter it", "setns", [namespace, flags(CLONE, "NEWNET")]);
    });
    return sandbox;
  }

  /** A process in it. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Builds a program and runs it in the namespace. */
  async run<T>(fill: (b: ProgramBuilder) => T): Promise<{ readonly outcome: Outcome; readonly parts: T }> {
    const b = new ProgramBuilder();
    const parts = fill(b);
    return { parts, outcome: await this.#executor.run(b.build()) };
  }

  /** What a command prints in the namespace; it must succeed. */
  command(...command: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync("nsenter", [`--target=${this.pid}`, "--net", ...command], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** What `ip -json -details ARGUMENTS` says. */
  ip<T>(...args: readonly string[]): T[] {
    const text = this.command("ip", "-json", "-details", ...args);
    return text.trim() === "" ? [] : (JSON.parse(text) as T[]);
  }

  [Symbol.dispose](): void {
    this.#executor.close();
    this.#process.removeAllListeners("exit");
    this.#process.kill("SIGKILL");
  }
}
