/**
 * Namespaces of other containers, of several at once.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { execute, removeAll, run, shell, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const look = "for n in net pid ipc; do readlink /proc/self/ns/$n; done";

test("of containers that share a user namespace", () => {
  const pause = start(engine, ["--ipc=shareable"]);
  const sidecar = start(engine, [`--network=container:${pause}`]);
  const [network, , ipc] = execute(engine, pause, look).split("\n");
  const [, pid] = execute(engine, sidecar, look).split("\n");
  const flags = [`--network=container:${pause}`, `--pid=container:${sidecar}`, `--ipc=container:${pause}`];
  expect(shell(engine, flags, look)).toBe([network, pid, ipc].join("\n"));
});

test("of containers that have the host's", () => {
  const [one, other] = [
    start(engine, ["--userns=host"]),
    start(engine, ["--userns=host", "--ipc=shareable"]),
  ];
  const [network] = execute(engine, one, look).split("\n");
  const [, , ipc] = execute(engine, other, look).split("\n");
  const seen = shell(engine, [`--network=container:${one}`, `--ipc=container:${other}`], look).split("\n");
  expect([seen[0], seen[2]]).toEqual([network, ipc]);
});

test("not of two that have user namespaces of their own", () => {
  const [one, other] = [start(engine, []), start(engine, [])];
  const { code, stderr } = run(engine, [`--network=container:${one}`, `--pid=container:${other}`], ["true"]);
  expect(code).toBe(125);
  expect(stderr).toContain("joining namespaces of two containers with user namespaces of their own");
});
