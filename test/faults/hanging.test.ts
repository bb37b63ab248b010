/**
 * What hangs holds nobody else up: file systems that never answer, registries that say nothing, readers that don't read,
 * processes that don't run. While each of them does, everything else answers as fast as ever.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient, type ApiAnswer } from "../support/api.ts";
import { eventually, execute, inspect, pidOf, removeAll, start } from "../support/containers.ts";
import { caisson, TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { testUnless } from "../support/requires.ts";
import { callNumber, perlPath, script } from "../support/scripts.ts";

/** What an answer may take, in ms, on a machine where others work: far less than any deadline of the engine's. */
const soon = 3000 * patience;

let engine: TestEngine;
let api: ApiClient;
let place: string;
let hanging: ChildProcess | undefined;
const hang = (): string => join(place, "hang");

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), "caisson-hang."));
  mkdirSync(hang());
  engine = await TestEngine.startWithMounts();
  api = new ApiClient(engine, 16);
  await importBusybox(engine);
});
afterEach(async () => {
  hanging?.kill("SIGKILL");
  hanging = undefined;
  engine.runInside("umount", ["-l", hang()]);
  await removeAll(engine);
});
afterAll(async () => {
  api[Symbol.dispose]();
  await engine[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

/** Mounts a file system that never answers, for the engine and nobody else. */
async function mountHanging(): Promise<void> {
  const args = [script("files/hang.pl"), String(callNumber("mount")), hang()];
  hanging = engine.spawnInside(perlPath, args);
  await eventually("a mount", () => engine.runInside("grep", ["-q", hang(), "/proc/mounts"]).code === 0);
}

/** Everything that others do at the same time; each call within {@link soon}. */
async function othersGoOn(rounds = 3): Promise<void> {
  const call = async (method: string, path: string, body?: object): Promise<ApiAnswer> => {
    const answer = await api.call(method, path, body, soon);
    expect([method, path, answer.status < 400, answer.text]).toEqual([method, path, true, answer.text]);
    return answer;
  };
  for (let round = 0; round < rounds; round++) {
    await call("GET", "/containers/json?all=1&size=0");
    const body = { Image: "busybox", Cmd: ["sleep", "1000"], HostConfig: { NetworkMode: "none" } };
    const { Id } = JSON.parse((await call("POST", "/containers/create", body)).text) as { Id: string };
    await call("POST", `/containers/${Id}/start`);
    await call("GET", `/containers/${Id}/json`);
    await call("GET", `/containers/${Id}/top`);
    await call("POST", `/containers/${Id}/stop?t=0`);
    await call("DELETE", `/containers/${Id}?force=1`);
    const now = Math.ceil(Date.now() / 1000);
    expect((await call("GET", `/events?since=0&until=${now}`)).text).toContain(Id);
  }
}

/** One call that may hang; what came of it within `ms`. */
const attempt = (method: string, path: string, body?: object, ms = 60_000): Promise<ApiAnswer | string> =>
  new ApiClient(engine).call(method, path, body, ms * patience).catch(String);

const create = (host: object): object => ({
  Image: "busybox",
  Cmd: ["sleep", "1000"],
  HostConfig: { NetworkMode: "none", ...host },
});

/** An answer that says whose file system took too long. */
function expectLate(answer: ApiAnswer | string, path: string): void {
  if (typeof answer === "string") throw new Error(answer);
  expect([answer.status, answer.text]).toEqual([500, expect.stringContaining("the deadline passed")]);
  expect(answer.text).toContain(path);
}

const noFuse = existsSync("/dev/fuse") ? undefined : "no /dev/fuse";

testUnless(noFuse)(
  "a file system that never answers as the source of binds, at create",
  async () => {
    await mountHanging();
    const below = `${hang()}/below`;
    const stuck = [
      create({ Binds: [`${hang()}:/x`] }),
      create({ Binds: [`${below}:/x`] }),
      create({ Mounts: [{ Type: "bind", Source: below, Target: "/x" }] }),
      create({ Binds: [`${hang()}:/x:rslave`] }),
      create({ Binds: [`${hang()}:/proc`] }),
    ].map(async (body) => await attempt("POST", "/containers/create", body));
    await othersGoOn();
    for (const answer of await Promise.all(stuck)) {
      expectLate(answer, hang());
    }
    expect((await api.call("GET", "/containers/json?all=1")).text.trim()).toBe("[]");
  },
  150_000 * patience,
);

testUnless(noFuse)(
  "one that stops answering after containers were made with it: starts, copies, removals",
  async () => {
    const options = { type: "none", o: "bind", device: hang() };
    const made = await api.call("POST", "/volumes/create", { Name: "slow", DriverOpts: options });
    expect(made.status).toBe(201);
    const bodies = [
      create({ Binds: [`${hang()}:/x`] }),
      create({ Binds: ["slow:/x"] }),
      create({ Binds: [`${hang()}:/x:ro`] }),
    ];
    const ids: string[] = [];
    for (const body of bodies) {
      const answer = await api.call("POST", "/containers/create", body);
      expect([answer.status, answer.text]).toEqual([201, answer.text]);
      ids.push((JSON.parse(answer.text) as { Id: string }).Id);
    }
    await mountHanging();
    const stuck = [
      ...ids.map((id) => attempt("POST", `/containers/${id}/start`, undefined, 150_000)),
      attempt("GET", `/containers/${ids[0]}/archive?path=/etc/passwd`, undefined, 150_000),
    ];
    await othersGoOn();
    // They can be looked at all the while.
    for (const id of ids)
      expect((await api.call("GET", `/containers/${id}/json`, undefined, soon)).status).toBe(200);
    expect((await api.call("GET", "/volumes/slow", undefined, soon)).status).toBe(200);
    for (const answer of await Promise.all(stuck)) expect(typeof answer).toBe("object");
    // As soon as nothing hangs any more they start.
    hanging?.kill("SIGKILL");
    engine.runInside("umount", ["-l", hang()]);
    for (const id of ids) {
      await api.call("POST", `/containers/${id}/stop?t=0`);
      const { status, text } = await api.call("POST", `/containers/${id}/start`);
      expect([status, text]).toEqual([204, text]);
      expect((await api.call("DELETE", `/containers/${id}?force=1`)).status).toBe(204);
    }
    expect((await api.call("DELETE", "/volumes/slow")).status).toBe(204);
  },
  200_000 * patience,
);

testUnless(noFuse)(
  "one in a volume's folder: df is patient, others are not",
  async () => {
    expect((await api.call("POST", "/volumes/create", { Name: "plain" })).status).toBe(201);
    const id = start(engine, ["-v", "plain:/v"]);
    const data = join(engine.dataRoot, "volumes/plain/_data");
    const args = [script("files/hang.pl"), String(callNumber("mount")), data];
    hanging = engine.spawnInside(perlPath, args);
    await eventually("a mount", () => engine.runInside("grep", ["-q", data, "/proc/mounts"]).code === 0);
    try {
      const stuck = attempt("GET", "/system/df", undefined, 90_000);
      const refused = [
        create({ Binds: ["plain:/x"] }),
        create({ Mounts: [{ Type: "volume", Source: "plain", Target: "/x" }] }),
      ].map((body) => attempt("POST", "/containers/create", body));
      await othersGoOn();
      const answer = await stuck;
      if (typeof answer === "string") throw new Error(answer);
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('"Size":-1');
      for (const create of await Promise.all(refused)) expectLate(create, data);
      expect((await api.call("GET", `/containers/${id}/json`, undefined, soon)).status).toBe(200);
      // What somebody has mounted there is not deleted with the volume.
      await api.call("DELETE", `/containers/${id}?force=1`, undefined, soon);
      const removed = await api.call("DELETE", "/volumes/plain", undefined, soon);
      expect([removed.status, removed.text]).toEqual([
        500,
        expect.stringContaining(`unlinkat ${data}: device or resource busy`),
      ]);
    } finally {
      hanging.kill("SIGKILL");
      engine.runInside("umount", ["-l", data]);
    }
    await removeAll(engine);
    await api.call("DELETE", "/volumes/plain");
  },
  150_000 * patience,
);

testUnless(noFuse)(
  "one with a device, or with what a log driver needs",
  async () => {
    const made = await api.call(
      "POST",
      "/containers/create",
      create({
        Devices: [{ PathOnHost: `${hang()}/d`, PathInContainer: "/dev/d", CgroupPermissions: "rwm" }],
      }),
    );
    expect(made.status).toBe(201);
    const { Id: id } = JSON.parse(made.text) as { Id: string };
    await mountHanging();
    const logging = (options: object): Promise<ApiAnswer | string> =>
      attempt("POST", "/containers/create", create({ LogConfig: { Type: "syslog", Config: options } }));
    const stuck = [
      attempt("POST", `/containers/${id}/start`),
      logging({ "syslog-address": `unix://${hang()}/socket` }),
      logging({ "syslog-address": `unixgram://${hang()}/socket` }),
      logging({ "syslog-address": "tcp+tls://127.0.0.1:1", "syslog-tls-ca-cert": `${hang()}/ca.pem` }),
    ];
    await othersGoOn();
    for (const answer of await Promise.all(stuck)) expectLate(answer, hang());
    const limited = { BlkioDeviceReadBps: [{ Path: `${hang()}/d`, Rate: 1 << 20 }] };
    const other = await api.call("POST", "/containers/create", create(limited));
    if (other.status === 201) {
      const { Id } = JSON.parse(other.text) as { Id: string };
      const start = attempt("POST", `/containers/${Id}/start`);
      await othersGoOn(1);
      expectLate(await start, hang());
    }
  },
  150_000 * patience,
);

test(
  "a registry that takes the connection and says nothing",
  async () => {
    const ready = join(place, "ready");
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
      await othersGoOn();
      for (const client of clients) client.kill("SIGINT");
      await Promise.all(ends);
      await othersGoOn(1);
      // Another pull of the same image is not stuck behind those that were given up.
      silent.kill("SIGKILL");
      const answer = await attempt("POST", "/images/create?fromImage=127.0.0.1:5000/image0&tag=latest");
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
  const outgoing = request({ socketPath: engine.socket, method, path, agent: false }, (response) =>
    response.pause(),
  );
  outgoing.on("error", () => undefined);
  outgoing.end();
  return { end: () => void outgoing.destroy() };
}

test(
  "followers of logs, events and a container's output that never read",
  async () => {
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
      await othersGoOn();
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
    await othersGoOn(1);
    expect((await api.call("POST", `/containers/${id}/stop?t=1`, undefined, 10_000 * patience)).status).toBe(
      204,
    );
    expect((await inspect(engine, id)).State.ExitCode).toBe(137);
    expect((await api.call("DELETE", `/containers/${id}`, undefined, soon)).status).toBe(204);
    expect(existsSync(`/proc/${Pid}`)).toBe(false);
  },
  60_000 * patience,
);
