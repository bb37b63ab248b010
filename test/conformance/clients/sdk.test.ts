/**
 * Docker's libraries on our socket: dockerode and testcontainers for JavaScript, docker-py for Python.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { TestEngine } from "../../support/engine.ts";
import { importBusybox } from "../../support/image.ts";
import { testUnless } from "../../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

const modules = join(import.meta.dir, "../../../node_modules");
const missing = (name: string): string | undefined =>
  existsSync(join(modules, name)) ? undefined : `${name} is not installed`;
const noPython =
  spawnSync("python3", ["-c", "import docker"]).status === 0
    ? undefined
    : "no python3-docker (tools/deps.sh conformance)";

/** Runs a client's program against the engine; it prints what it saw as JSON. */
function told(command: string, ...args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, DOCKER_HOST: engine.host, TESTCONTAINERS_RYUK_DISABLED: "true" },
    timeout: 90_000,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${status}: ${stdout}${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

testUnless(missing("dockerode"))(
  "dockerode: create, attach, exec, logs, events, errors",
  () => {
    expect(told(process.execPath, join(import.meta.dir, "dockerode-client.ts"))).toEqual({
      ping: "OK",
      echoed: "hello\n",
      exitCode: 3,
      exec: "inside\n",
      logs: "one\ntwo\n",
      missing: 404,
      taken: 409,
      events: ["create", "start", "die"],
      gone: 404,
    });
  },
  120_000,
);

testUnless(missing("testcontainers"))(
  "testcontainers: a container with a port and a log to wait for",
  () => {
    expect(told(process.execPath, join(import.meta.dir, "testcontainers-client.mjs"))).toEqual({
      output: "inside\n",
      exitCode: 0,
      copied: "copied",
      port: true,
    });
  },
  120_000,
);

testUnless(noPython)(
  "docker-py: run, exec, volumes, networks, archives, errors",
  () => {
    expect(told("python3", join(import.meta.dir, "docker_py_client.py"))).toEqual({
      ran: "hello\n",
      failed: 5,
      exec: [0, "inside\n"],
      missing: "NotFound",
      conflict: 409,
      volume: "kept\n",
      address: true,
      archive: "from python",
      stats: true,
      images: true,
    });
  },
  120_000,
);
