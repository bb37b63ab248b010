import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Container } from "./container-store.ts";
import type { ExitRecord } from "./exit-record.ts";
import { FakeServices } from "./fake-services.ts";
import { type Followed, Following } from "./following.ts";
import type { HealthMonitors } from "./health-monitor.ts";

const RUNNING = 2;
const EXITED = 3;

/** A state as native/PROTOCOL.md has it. */
function state(phase: number, code = 0, version = 1): Buffer {
  const message = Buffer.alloc(48);
  message.writeUInt32LE(40, 0);
  message.writeUInt16LE(1, 4);
  message.writeUInt8(phase, 8);
  message.writeUInt8(version, 9);
  message.writeInt32LE(77, 12);
  message.writeInt32LE(code, 16);
  message.writeBigUInt64LE(5n, 32);
  return message;
}

/** A container that runs, somebody who plays its shim, and the one who follows it. */
class Scene implements AsyncDisposable {
  readonly fake: FakeServices = new FakeServices();
  readonly container: Container = this.fake.container({ status: "running" }).container;
  readonly folder: string = this.fake.services.paths.bundle(this.container.id);
  readonly lines: Socket[] = [];
  readonly exits: ExitRecord[] = [];
  readonly following: Following;
  /** What the shim says first to whoever comes. */
  says: Buffer = state(RUNNING);
  #server: Server | undefined;
  #changed: () => void = () => undefined;

  constructor() {
    mkdirSync(this.folder, { recursive: true });
    this.container.shim = undefined;
    const health = { resume: () => undefined } as unknown as HealthMonitors;
    const told: Followed = {
      entered: () => undefined,
      exited: async (container, exit) => {
        this.exits.push(exit);
        container.state.status = "exited";
        this.#changed();
      },
    };
    this.following = new Following(this.fake.services, health, told, 10);
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => {
      this.lines.push(socket);
      socket.on("error", () => undefined).resume();
      socket.write(this.says);
      this.#changed();
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(join(this.folder, "shim.sock"), resolve));
  }

  /** Resolves once `holds`. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.following.close();
    this.container.shim?.close();
    for (const line of this.lines) line.destroy();
    this.#server?.close();
    this.fake[Symbol.dispose]();
  }
}

test("an exit that the shim tells of is told, once", async () => {
  await using scene = new Scene();
  await scene.listen();
  await scene.following.follow(scene.container);
  scene.lines[0]?.end(state(EXITED, 3));
  await scene.until(() => scene.exits.length > 0);
  expect(scene.exits).toEqual([{ code: 3, signal: 0, finished: 5n }]);
});

test("a line that breaks while the shim goes on is made anew", async () => {
  await using scene = new Scene();
  await scene.listen();
  await scene.following.follow(scene.container);
  scene.lines[0]?.destroy();
  // One asks how it is, the other follows.
  await scene.until(() => scene.lines.length === 3);
  expect(scene.exits).toEqual([]);
  scene.lines[2]?.end(state(EXITED, 4));
  await scene.until(() => scene.exits.length > 0);
  expect(scene.exits).toMatchObject([{ code: 4 }]);
});

test("a shim that is gone left a record, or was killed", async () => {
  await using scene = new Scene();
  await scene.following.follow(scene.container);
  await scene.until(() => scene.exits.length > 0);
  expect(scene.exits).toMatchObject([{ code: 137, error: "the container's shim was killed" }]);
  await using other = new Scene();
  writeFileSync(
    join(other.folder, "exit"),
    JSON.stringify({ pid: 77, code: 9, signal: 0, started: "1", finished: "2" }),
  );
  await other.following.follow(other.container);
  await other.until(() => other.exits.length > 0);
  expect(other.exits).toMatchObject([{ code: 9, finished: 2n }]);
});

test("a shim that can't be understood is kept, said, and followed when it can be", async () => {
  await using scene = new Scene();
  scene.says = state(RUNNING, 0, 200);
  await scene.listen();
  await scene.following.follow(scene.container);
  await scene.until(() => scene.container.state.error !== "");
  expect(scene.container.state.error).toContain("its shim can't be followed: it speaks version 200");
  expect(scene.container.state.status).toBe("running");
  scene.says = state(RUNNING);
  while (scene.container.state.error !== "") await Bun.sleep(20);
  expect(scene.container.state.pid).toBe(77);
  expect(scene.exits).toEqual([]);
});
