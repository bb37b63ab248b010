/**
 * An engine with something in it that hangs, and everything that others do with it meanwhile.
 * @module
 */
import { expect } from "bun:test";
import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ApiClient, type ApiAnswer } from "../support/api.ts";
import { eventually, removeAll } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { callNumber, perlPath, script } from "../support/scripts.ts";

/** What an answer may take, in ms, on a machine where others work: far less than any deadline of the engine's. */
export const soon: number = 5000 * patience;

/** A container's body that lasts. */
export const lasting = (host: object): object => ({
  Image: "busybox",
  Cmd: ["sleep", "1000"],
  HostConfig: { NetworkMode: "none", ...host },
});

/** An engine of a test's own: tests that wait for deadlines do so side by side. */
export class HangingWorld implements AsyncDisposable {
  readonly engine: TestEngine;
  readonly api: ApiClient;
  /** A folder in which something may hang. */
  readonly hang: string;
  #hanging: ChildProcess | undefined;
  #mounted: string | undefined;

  private constructor(engine: TestEngine) {
    this.engine = engine;
    this.api = new ApiClient(engine, 16);
    this.hang = join(engine.directory, "hang");
    mkdirSync(this.hang);
  }

  static async start(...flags: readonly string[]): Promise<HangingWorld> {
    const engine = await TestEngine.startWithMounts(...flags);
    await importBusybox(engine);
    return new HangingWorld(engine);
  }

  /** Mounts a file system that never answers, for the engine and nobody else. */
  async mountHanging(folder: string = this.hang): Promise<void> {
    const args = [script("files/hang.pl"), String(callNumber("mount")), folder];
    this.#mounted = folder;
    this.#hanging = this.engine.spawnInside(perlPath, args);
    await eventually("a mount", async () => (await this.inside("grep", "-q", folder, "/proc/mounts")) === 0);
  }

  /** It hangs no more. */
  async unmount(): Promise<void> {
    this.#hanging?.kill("SIGKILL");
    if (this.#mounted !== undefined) await this.inside("umount", "-l", this.#mounted);
    this.#mounted = undefined;
  }

  /** Runs a program beside the engine to its end: its exit code. Nothing waits in this process, in which other tests have deadlines. */
  inside(command: string, ...args: readonly string[]): Promise<number | null> {
    const child = this.engine.spawnInside(command, args);
    return new Promise((resolve) => child.once("exit", resolve));
  }

  /** A request that must succeed soon. */
  async must(method: string, path: string, body?: object): Promise<ApiAnswer> {
    const answer = await this.api.call(method, path, body, soon);
    expect([method, path, answer.status < 400, answer.text]).toEqual([method, path, true, answer.text]);
    return answer;
  }

  /** Makes a container; its id. */
  async create(body: object): Promise<string> {
    return (JSON.parse((await this.must("POST", "/containers/create", body)).text) as { Id: string }).Id;
  }

  /** Everything that others do at the same time; each call within {@link soon}. */
  async othersGoOn(rounds = 3): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await this.must("GET", "/containers/json?all=1&size=0");
      const id = await this.create(lasting({}));
      await this.must("POST", `/containers/${id}/start`);
      await this.must("GET", `/containers/${id}/json`);
      await this.must("GET", `/containers/${id}/top`);
      await this.must("POST", `/containers/${id}/stop?t=0`);
      await this.must("DELETE", `/containers/${id}?force=1`);
      const now = Math.ceil(Date.now() / 1000);
      expect((await this.must("GET", `/events?since=0&until=${now}`)).text).toContain(id);
    }
  }

  /** One call that may hang; what came of it within `ms`. */
  attempt(method: string, path: string, body?: object, ms = 90_000): Promise<ApiAnswer | string> {
    return new ApiClient(this.engine).call(method, path, body, ms * patience).catch(String);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
    await removeAll(this.engine);
    this.api[Symbol.dispose]();
    await this.engine[Symbol.asyncDispose]();
  }
}
