/**
 * Pushing to and asking a real registry (Debian's docker-registry) beside the engine.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ChildProcess } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, eventually, must, run } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

const program = "/usr/bin/docker-registry";
const withRegistry = testUnless(existsSync(program) ? undefined : "Debian's docker-registry");
const host = "127.0.0.1:5000";

let engine: TestEngine;
let registry: ChildProcess | undefined;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  if (!existsSync(program)) return;
  const config = join(engine.directory, "registry.yml");
  writeFileSync(
    config,
    `version: 0.1
storage: {filesystem: {rootdirectory: ${join(engine.directory, "registry")}}}
http: {addr: "${host}"}
log: {level: error}
`,
  );
  registry = engine.spawnInside(program, ["serve", config]);
  await eventually("a registry", () => {
    const table = engine.runInside("cat", ["/proc/net/tcp"]).stdout;
    return table.includes(`:${(5000).toString(16).toUpperCase()} `);
  });
});
afterAll(async () => {
  registry?.kill("SIGKILL");
  await engine[Symbol.asyncDispose]();
});

const digestLine = /^(\w+): digest: (sha256:[0-9a-f]{64}) size: (\d+)$/m;

withRegistry("an image is pushed, taken from there for another name, and pulled back", () => {
  must(engine, ["tag", "busybox", `${host}/a/b:v1`]);
  const first = must(engine, ["push", `${host}/a/b:v1`]);
  expect(first).toMatch(
    /^The push refers to repository \[127\.0\.0\.1:5000\/a\/b\]\n[0-9a-f]{12}: Preparing\n/,
  );
  expect(first).toContain(": Pushed\n");
  const [, , digest] = digestLine.exec(first) ?? [];
  must(engine, ["tag", "busybox", `${host}/c:x`]);
  expect(must(engine, ["push", `${host}/c:x`])).toContain(": Mounted from a/b\n");
  expect(must(engine, ["push", `${host}/a/b:v1`])).toContain(": Layer already exists\n");
  must(engine, ["rmi", `${host}/a/b:v1`, `${host}/c:x`, "busybox"]);
  expect(must(engine, ["images", "-q"])).toBe("");
  expect(must(engine, ["pull", `${host}/a/b:v1`])).toContain(`Digest: ${digest}`);
  must(engine, ["tag", `${host}/a/b:v1`, "busybox"]);
  expect(run(engine, [], ["echo", "back"]).stdout).toBe("back\n");
});

withRegistry("docker and caisson push and pull all tags with the same words", () => {
  for (const tag of ["one", "two"]) must(engine, ["tag", "busybox", `${host}/many:${tag}`]);
  must(engine, ["push", "-q", "-a", `${host}/many`]);
  for (const args of [
    ["push", "-a", `${host}/many`],
    ["push", `${host}/many:one`],
    ["push", "-q", `${host}/many:one`],
    ["push", `${host}/many`],
    ["push", "-a", `${host}/many:one`],
    ["push", "127.0.0.1:1/nobody:x"],
    ["pull", "-a", `${host}/many`],
  ])
    expect([args, engine.caisson(args)]).toEqual([args, command(engine, args)]);
  must(engine, ["rmi", `${host}/many:one`, `${host}/many:two`]);
  must(engine, ["pull", "-a", `${host}/many`]);
  expect(
    must(engine, ["images", "--format", "{{.Tag}}", `${host}/many`])
      .split("\n")
      .toSorted(),
  ).toEqual(["one", "two"]);
});

withRegistry("what a registry has can be asked without pulling", async () => {
  must(engine, ["tag", "busybox", `${host}/asked:v`]);
  const [, , digest, size] = digestLine.exec(must(engine, ["push", `${host}/asked:v`])) ?? [];
  const answer = await engine.request("GET", `/distribution/${host}/asked:v/json`);
  expect(answer.json<object>()).toEqual({
    Descriptor: {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest,
      size: Number(size),
    },
    Platforms: [{ architecture: process.arch === "arm64" ? "arm64" : "amd64", os: "linux" }],
  });
  const none = await engine.request("GET", `/distribution/${host}/asked:none/json`);
  expect([none.status, none.json<object>()]).toEqual([
    404,
    { message: "manifest unknown: manifest unknown" },
  ]);
});

test("a registry that isn't there, and one that can't search", async () => {
  must(engine, ["tag", "busybox", "127.0.0.1:1/x:y"]);
  const { code, stderr } = command(engine, ["push", "127.0.0.1:1/x:y"]);
  expect([code, stderr.trim()]).toEqual([
    1,
    'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
  ]);
  const hub = await engine.request("GET", "/images/search?term=x");
  expect(hub.status).toBeGreaterThanOrEqual(500);
  expect(hub.json<{ message: string }>().message).toContain("index.docker.io");
});
