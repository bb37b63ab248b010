/**
 * The audit log: who asked for what, and how it ended.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/containers.ts";
import { Authority } from "../support/certificates.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

const folder = mkdtempSync(join(tmpdir(), "caisson-audit."));
const path = join(folder, "audit.json");
const authority = new Authority(join(folder, "ca"));
const server = authority.sign("server", "serverAuth");
const client = authority.sign("alice", "clientAuth");

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start(
    `--audit-log=${path}`,
    "--host=tcp://127.0.0.1:23771",
    "--tlsverify",
    `--tlscacert=${authority.certificate}`,
    `--tlscert=${server}/cert.pem`,
    `--tlskey=${server}/key.pem`,
  );
  await importBusybox(engine);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Entry {
  readonly socket: string;
  readonly peer: Readonly<Record<string, unknown>>;
  readonly method: string;
  readonly path: string;
  readonly object?: string;
  readonly state: string;
  readonly status?: number;
  readonly duration: number;
}

const entries = (): Entry[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry);

/** The first entry that `matches`, once it is written. */
const entry = async (what: string, matches: (entry: Entry) => boolean): Promise<Entry> =>
  eventually(what, () => entries().find(matches));

test("requests of this machine's processes", async () => {
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const ran = engine.caisson(["run", "--name", "seen", "-e", "PASSWORD=topsecret", "busybox", "true"]);
  expect(ran.code).toBe(0);
  expect(await entry("create", ({ path }) => path.endsWith("/containers/create"))).toMatchObject({
    socket: engine.host,
    peer: { uid: 0, gid: 0 },
    method: "POST",
    object: "seen",
    state: "done",
    status: 201,
  });
  expect(await entry("attach", ({ path }) => path.endsWith("/attach"))).toMatchObject({ status: 101 });
  await engine.request("GET", "/containers/nobody/json");
  expect(await entry("404", ({ object }) => object === "nobody")).toMatchObject({
    status: 404,
    state: "done",
  });
  // This process asks by a connection of its own.
  expect(entries().find(({ object }) => object === "nobody")?.peer).toEqual({
    pid: process.pid,
    uid: 0,
    gid: 0,
  });
  expect(readFileSync(path, "utf8")).not.toContain("topsecret");
});

test("another user is told from root", async () => {
  chmodSync(engine.directory, 0o755);
  const asked = engine.runInside("setpriv", [
    "--reuid=65534",
    "--regid=65534",
    "--groups=0",
    "curl",
    "-sS",
    "--unix-socket",
    engine.socket,
    "http://x/containers/by-nobody/json",
  ]);
  expect(asked).toMatchObject({ code: 0 });
  expect(await entry("nobody", ({ object }) => object === "by-nobody")).toMatchObject({
    peer: { uid: 65534, gid: 65534 },
  });
});

test("who has a certificate is called by it; a long request is there before its end", async () => {
  const known = [
    "--cacert",
    authority.certificate,
    "--cert",
    `${client}/cert.pem`,
    "--key",
    `${client}/key.pem`,
  ];
  const watching = engine.spawnInside("curl", ["-sS", "-m", "3", ...known, "https://127.0.0.1:23771/events"]);
  const begun = await entry("events", (e) => e.path === "/events" && e.state === "running");
  expect(begun).toMatchObject({ socket: "tcp://127.0.0.1:23771", peer: { certificate: "alice" } });
  expect(begun.peer["address"]).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(begun.peer["fingerprint"]).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  const done = await entry("their end", (e) => e.path === "/events" && e.state === "done");
  expect(done.duration).toBeGreaterThan(1000);
  watching.kill();
});

test("SIGHUP begins a new file when the old one was moved away", async () => {
  renameSync(path, `${path}.1`);
  process.kill(engine.pid, "SIGHUP");
  await eventually("a new file", () => existsSync(path));
  await engine.request("GET", "/containers/after/json");
  await entry("the request after", ({ object }) => object === "after");
});
