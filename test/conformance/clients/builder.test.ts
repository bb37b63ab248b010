/**
 * docker build and buildx on an engine without a builder: the older builder is told so, buildx finds it out itself and would
 * run a BuildKit of its own in a container.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { dockerEnvironment, dockerPath, noDocker } from "../../support/docker.ts";
import { TestEngine } from "../../support/engine.ts";
import { testUnless } from "../../support/requires.ts";

const places = [
  join(process.env["CAISSON_PEERS"] ?? "/var/tmp/caisson-peers", "config/cli-plugins"),
  "/usr/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
];
const plugin = places.map((place) => join(place, "docker-buildx")).find((path) => existsSync(path));
const missing = noDocker ?? (plugin === undefined ? "no buildx among docker's plugins" : undefined);

let engine: TestEngine;
beforeAll(async () => {
  if (missing !== undefined) return;
  engine = await TestEngine.start();
  const plugins = join(engine.directory, "docker-config/cli-plugins");
  mkdirSync(plugins, { recursive: true });
  symlinkSync(plugin ?? "", join(plugins, "docker-buildx"));
  mkdirSync(join(engine.directory, "context"));
  writeFileSync(join(engine.directory, "context/Dockerfile"), "FROM scratch\n");
});
afterAll(async () => engine?.[Symbol.asyncDispose]());

function docker(
  environment: NodeJS.ProcessEnv,
  ...args: readonly string[]
): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(dockerPath ?? "", args, {
    cwd: engine.directory,
    encoding: "utf8",
    env: { ...dockerEnvironment(engine), ...environment },
  });
  return { code: status, text: stdout + stderr };
}

testUnless(missing)("a build is refused by name", () => {
  const { code, text } = docker({ DOCKER_BUILDKIT: "0" }, "build", "context");
  expect(text).toContain(
    "Error response from daemon: building images is not supported by this version of caisson",
  );
  expect(code).toBe(1);
});

testUnless(missing)("buildx knows that there is no builder in the engine", () => {
  const { code, text } = docker({}, "buildx", "ls");
  expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining("docker-container") });
  expect(docker({}, "buildx", "du").text).toContain("No such container: buildx_buildkit_default");
});
