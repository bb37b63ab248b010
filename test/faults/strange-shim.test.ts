/**
 * An engine that doesn't understand a shim, since a later build started it, or that gets no answer from one, keeps the
 * container, says so, and goes on with it as soon as it can.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, renameSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { eventually, execute, inspect, must, pidOf, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { processesNaming } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

/** The last STATE that a shim of `version` would say (native/PROTOCOL.md, section 3). */
function stateOf(version: number, phase: number): Buffer {
  const message = Buffer.alloc(8 + 40);
  message.writeUInt32LE(40, 0);
  message.writeUInt16LE(1, 4);
  message.writeUInt8(phase, 8);
  message.writeUInt8(version, 9);
  return message;
}

/** Something that listens in a shim's place and says what a later one may say. */
async function standIn(path: string, message: Buffer): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => socket.destroy()).write(message));
  // Closing it removes what it listened at, which somebody else has by then.
  const own = `${path}.stand-in`;
  await new Promise<void>((resolve) => server.listen(own, resolve));
  renameSync(own, path);
  return server;
}

const trapping = ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done"];

/** It goes on, is shown as running, and everybody is told why it can't be followed. */
async function expectKept(id: string, pid: number, why: string): Promise<void> {
  const { State } = await inspect(engine, id);
  expect([State.Status, State.Pid]).toEqual(["running", pid]);
  expect(State.Error).toContain(why);
  expect(engine.log()).toContain(`container ${id}: ${State.Error}; it is left alone`);
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  expect(execute(engine, id, "echo here")).toBe("here");
}

/** All is as if nothing had been. */
async function expectFollowed(id: string, pid: number): Promise<void> {
  await eventually("that it is followed", async () => (await inspect(engine, id)).State.Error === "", 30);
  expect(await pidOf(engine, id)).toBe(pid);
  must(engine, ["stop", id]);
  expect((await inspect(engine, id)).State.ExitCode).toBe(7);
  must(engine, ["rm", id]);
}

for (const [what, message, why] of [
  ["of a later version", stateOf(9, 2), "it speaks version 9 of its protocol"],
  ["in a phase that isn't known", stateOf(1, 200), "it is in phase 200"],
] as const)
  test(`a shim ${what}`, async () => {
    const id = start(engine, [], trapping);
    const pid = await pidOf(engine, id);
    const socket = join(engine.execRoot, "containers", id, "shim.sock");
    await engine.stop();
    renameSync(socket, `${socket}.real`);
    const server = await standIn(socket, message);
    await engine.resume();
    await expectKept(id, pid, why);
    // Another engine finds it as it is.
    await engine.stop();
    await engine.resume();
    await expectKept(id, pid, why);
    renameSync(`${socket}.real`, socket);
    server.close();
    await expectFollowed(id, pid);
  });

test("a shim that hangs", async () => {
  const id = start(engine, [], trapping);
  const pid = await pidOf(engine, id);
  const [shim = 0] = processesNaming(`caisson-shim\0${id}`);
  // Not killed: the row that has the pid may be written a moment after the start.
  await engine.stop();
  process.kill(shim, "SIGSTOP");
  try {
    await engine.resume();
    await expectKept(id, pid, "it doesn't answer");
  } finally {
    process.kill(shim, "SIGCONT");
  }
  await expectFollowed(id, pid);
});

test("a line that breaks is no end of a container", async () => {
  const id = start(engine, [], trapping);
  const pid = await pidOf(engine, id);
  const socket = join(engine.execRoot, "containers", id, "shim.sock");
  await engine.kill();
  // Whoever listens here hangs up once it has said that the container runs.
  renameSync(socket, `${socket}.real`);
  const running = stateOf(1, 2);
  running.writeInt32LE(pid, 12);
  const server = await standIn(socket, running);
  let lines = 0;
  const open = new Set<Socket>();
  server.on("connection", (line) => {
    open.add(line.on("close", () => open.delete(line)).resume());
    if (lines++ > 0) setTimeout(() => line.destroy(), 50);
  });
  await engine.resume();
  await eventually("some lines", () => lines > 3);
  expect((await inspect(engine, id)).State).toMatchObject({ Status: "running", Pid: pid });
  renameSync(`${socket}.real`, socket);
  server.close();
  // What runs a command waits for it, and hangs up on nobody.
  await eventually("the end of the last line", () => open.size === 0);
  await expectFollowed(id, pid);
});
