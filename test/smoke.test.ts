/**
 * The shortest way through everything: an engine, an image, a container.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { docker, noDocker } from "./support/docker.ts";
import { TestEngine } from "./support/engine.ts";
import { importBusybox } from "./support/image.ts";
import { testUnless } from "./support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

test("caisson run prints what the container printed and ends as it did", () => {
  const { code, stdout } = engine.caisson([
    "run",
    "--rm",
    "--net=none",
    "busybox",
    "sh",
    "-c",
    "echo hello; exit 3",
  ]);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "hello\n" });
  expect(engine.caisson(["ps", "-aq"]).stdout).toBe("");
});

testUnless(noDocker)("docker run does, too", () => {
  const { code, stdout } = docker(engine, [
    "run",
    "--rm",
    "--net=none",
    "busybox",
    "sh",
    "-c",
    "echo hello; exit 3",
  ]);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "hello\n" });
});

test("an engine that was killed finds its containers again", async () => {
  const { stdout } = engine.caisson(["run", "-d", "--net=none", "busybox", "sleep", "1000"]);
  const id = stdout.trim();
  await engine.kill();
  await engine.resume();
  expect(engine.caisson(["ps", "-q", "--no-trunc"]).stdout.trim()).toBe(id);
  expect(engine.caisson(["rm", "-f", id]).code).toBe(0);
});
