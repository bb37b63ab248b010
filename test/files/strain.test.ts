/**
 * Archives of containers under strain: large, many at once, cut short by a client that goes or an engine that is killed.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { tarOf } from "../support/archive.ts";
import { eventually, execute, must, removeAll, start } from "../support/containers.ts";
import { TestEngine, type Answer } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterEach(() => removeAll(engine));
afterAll(async () => engine[Symbol.asyncDispose]());

const folder = (): string => mkdtempSync(join(engine.directory, "cp."));
const create = (): string => must(engine, ["create", "--net=none", "busybox", "sleep", "1000"]);
const put = (container: string, path: string, body: Uint8Array): Promise<Answer> =>
  engine.request("PUT", `/containers/${container}/archive?path=${path}`, body);
const get = (container: string, path: string): Promise<Answer> =>
  engine.request("GET", `/containers/${container}/archive?path=${path}`);

test("a large file goes through with flat memory, both ways", () => {
  const id = start(engine, []);
  const source = folder();
  const size = 384 << 20;
  const block = randomBytes(1 << 20);
  const hash = createHash("sha256");
  for (let written = 0; written < size; written += block.length) {
    writeFileSync(join(source, "big"), block, { flag: "a" });
    hash.update(block);
  }
  const digest = hash.digest("hex");
  const resident = (): number =>
    Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${engine.pid}/status`, "utf8"))?.[1]) / 1024;
  const before = resident();
  must(engine, ["cp", join(source, "big"), `${id}:/tmp/big`]);
  expect(execute(engine, id, "sha256sum /tmp/big")).toStartWith(digest);
  must(engine, ["cp", `${id}:/tmp/big`, join(source, "back")]);
  expect(spawnSync("cmp", [join(source, "big"), join(source, "back")]).status).toBe(0);
  const grown = resident() - before;
  console.log(`${size >> 20} MiB in and out: the engine's peak grew by ${Math.round(grown)} MiB`);
  expect(grown).toBeLessThan(250);
});

test("a start waits for an archive that is being extracted, and nothing is lost", async () => {
  const id = create();
  const body = Buffer.alloc(32 << 20, "x");
  const archive = await tarOf([{ type: "file", path: "big", size: body.length, body }]);
  const [extracted, started] = await Promise.all([
    put(id, "/tmp", archive),
    engine.request("POST", `/containers/${id}/start`),
  ]);
  expect([extracted.status, started.status]).toEqual([200, 204]);
  expect(execute(engine, id, "stat -c %s /tmp/big")).toBe(String(body.length));
});

test("many at once, of one container that is started and stopped meanwhile", async () => {
  const id = create();
  const one = await tarOf([{ type: "file", path: "f", size: 3, body: Buffer.from("new") }]);
  const jobs = Array.from({ length: 24 }, (_, n) => (n % 2 === 0 ? put(id, "/tmp", one) : get(id, "/etc")));
  const life = (async () => {
    for (let n = 0; n < 5; n++) {
      await engine.request("POST", `/containers/${id}/start`);
      await engine.request("POST", `/containers/${id}/kill`);
      await engine.request("POST", `/containers/${id}/wait`);
    }
  })();
  const answers = await Promise.all(jobs);
  await life;
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.map(({ body }) => body.toString())).toEqual([]);
});

test("an engine that is killed in the middle leaves a container that can be used", async () => {
  const id = create();
  const body = Buffer.alloc(96 << 20, "x");
  const archive = await tarOf([{ type: "file", path: "big", size: body.length, body }]);
  const cut = put(id, "/tmp", archive).catch(() => undefined);
  await delay(60);
  await engine.kill();
  await cut;
  await engine.resume();
  expect((await put(id, "/tmp", archive)).status).toBe(200);
  must(engine, ["start", id]);
  expect(execute(engine, id, "stat -c %s /tmp/big")).toBe(String(body.length));
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(engine.directory);
});

test("a client that goes in the middle leaves no process behind", async () => {
  const id = start(engine, []);
  execute(engine, id, "dd if=/dev/zero of=/tmp/big bs=1M count=64 2>/dev/null");
  const sessions = (): number => childrenOf(engine.pid).length;
  const before = sessions();
  for (let n = 0; n < 3; n++) {
    const url = `http://d/containers/${id}/archive?path=/tmp/big`;
    for (const coding of ["identity", "gzip"]) {
      const curl = `curl -s -H 'Accept-Encoding: ${coding}' --unix-socket ${engine.socket} '${url}'`;
      spawnSync("sh", ["-c", `${curl} | head -c 1000 >/dev/null`]);
    }
  }
  await eventually("sessions that ended", () => sessions() <= before || undefined);
});

/** Executors, which are the engine's own children. */
function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((child) => child !== "");
}
