/**
 * What hangs holds nobody else up: registries that say nothing, readers that don't read, processes that don't run. While
 * each of them does, everything else answers as fast as ever.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { eventually, execute, inspect, pidOf, removeAll, start } from "../support/containers.ts";
import { caisson } from "../support/engine.ts";
import { patience } from "../support/patience.ts";
import { HangingWorld, soon } from "./hanging-world.ts";

let world: HangingWorld;
beforeAll(async () => {
  world = await HangingWorld.start();
});
afterEach(async () => removeAll(world.engine));
afterAll(async () => world[Symbol.asyncDispose]());

test(
  "a registry that takes the connection and says nothing",
  async () => {
    const { engine } = world;
    const ready = join(engine.directory, "ready");
    const code = `require("node:net").createServer(() => {}).listen(5000, "127.0.0.1", () => require("node:fs").writeFileSync(${JSON.stringify(ready)}, ""))`;
    const silent = engine.spawnInside(process.execPath, ["-e", code]);
    try {
      await eventually("a registry", () => existsSync(ready));
      const clients = Array.from({ length: 6 }, (_, n) =>
        spawn(caisson, ["pull", `127.0.0.1:5000/image${n}`], {
          env: { ...process.env, DOCKER_HOST: engine.host },
        }),
      );
      const ends = clients.map((client) => new Promise((resolve) => client.on("exit", resolve)));
      await world.othersGoOn();
      for (const client of clients) client.kill("SIGINT");
      await Promise.all(ends);
      await world.othersGoOn(1);
      // Another pull of the same image is not stuck behind those that were given up.
      silent.kill("SIGKILL");
      const answer = await world.attempt("POST", "/images/create?fromImage=127.0.0.1:5000/image0&tag=latest");
      if (typeof answer === "string") throw new Error(answer);
      expect(answer.text).toMatch(/refused|reset|unable|closed/i);
    } finally {
      silent.kill("SIGKILL");
    }
  },
  100_000 * patience,
);

/** A request whose answer is never read. */
function neverRead(method: string, path: string): { end(): void } {
  const outgoing = request({ socketPath: world.engine.socket, method, path, agent: false }, (response) =>
    response.pause(),
  );
  outgoing.on("error", () => undefined);
  outgoing.end();
  return { end: () => void outgoing.destroy() };
}

test(
  "followers of logs, events and a container's output that never read",
  async () => {
    const { api, engine } = world;
    const writer = start(
      engine,
      [],
      ["sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i of very many lines; done"],
    );
    const readers = [
      neverRead("GET", `/containers/${writer}/logs?follow=1&stdout=1`),
      neverRead("POST", `/containers/${writer}/attach?stream=1&stdout=1&logs=1`),
      neverRead("GET", "/events"),
      neverRead("GET", `/containers/${writer}/stats`),
    ];
    try {
      await world.othersGoOn();
      // Nothing waits in the engine's memory for who doesn't read.
      const memory = async (): Promise<number> =>
        Number(/VmRSS:\s+(\d+)/.exec(await Bun.file(`/proc/${engine.pid}/status`).text())?.[1]);
      const before = await memory();
      await Bun.sleep(2000);
      expect((await memory()) - before).toBeLessThan(64 << 10);
      expect(
        (await api.call("POST", `/containers/${writer}/stop?t=0`, undefined, 10_000 * patience)).status,
      ).toBe(204);
      expect((await api.call("DELETE", `/containers/${writer}?force=1`, undefined, soon)).status).toBe(204);
    } finally {
      for (const reader of readers) reader.end();
    }
  },
  60_000 * patience,
);

test(
  "a process of an exec that doesn't run: its container stops and goes",
  async () => {
    const { api, engine } = world;
    const id = start(engine, []);
    const body = { Cmd: ["sh", "-c", "echo $$ >/pid; sleep 1000"] };
    const { Id: exec } = JSON.parse((await api.call("POST", `/containers/${id}/exec`, body)).text) as {
      Id: string;
    };
    expect((await api.call("POST", `/exec/${exec}/start`, { Detach: true })).status).toBe(200);
    await eventually(
      "its start",
      () => execute(engine, id, "cat /pid 2>/dev/null; true") !== "" || undefined,
    );
    const { Pid } = JSON.parse((await api.call("GET", `/exec/${exec}/json`)).text) as { Pid: number };
    process.kill(Pid, "SIGSTOP");
    process.kill(await pidOf(engine, id), "SIGSTOP");
    await world.othersGoOn(1);
    expect((await api.call("POST", `/containers/${id}/stop?t=1`, undefined, 10_000 * patience)).status).toBe(
      204,
    );
    expect((await inspect(engine, id)).State.ExitCode).toBe(137);
    expect((await api.call("DELETE", `/containers/${id}`, undefined, soon)).status).toBe(204);
    expect(existsSync(`/proc/${Pid}`)).toBe(false);
  },
  60_000 * patience,
);
