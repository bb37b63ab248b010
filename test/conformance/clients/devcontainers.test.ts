/**
 * The dev containers CLI, which drives the docker command line: an environment from an image, its commands and variables,
 * and what it finds again by labels.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { composePath, dockerEnvironment, dockerPath, noCompose, noDocker } from "../../support/docker.ts";
import { TestEngine } from "../../support/engine.ts";
import { importBusybox } from "../../support/image.ts";
import { testUnless } from "../../support/requires.ts";

const program = join(import.meta.dir, "../../../node_modules/@devcontainers/cli/devcontainer.js");
const missing =
  noDocker ?? noCompose ?? (existsSync(program) ? undefined : "@devcontainers/cli is not installed");

let engine: TestEngine;
let folder: string;
beforeAll(async () => {
  if (missing !== undefined) return;
  engine = await TestEngine.start();
  await importBusybox(engine);
  folder = join(engine.directory, "project");
  mkdirSync(join(folder, ".devcontainer"), { recursive: true });
  writeFileSync(join(folder, "source"), "of the host\n");
  const configuration = {
    image: "busybox",
    containerEnv: { FROM_CONTAINER: "one" },
    remoteEnv: { FROM_REMOTE: "two" },
    onCreateCommand: "echo made >>/made",
    postStartCommand: "echo started >>/made",
    runArgs: ["--stop-signal=KILL", "--network=none"],
    mounts: ["type=volume,source=cache,target=/cache"],
  };
  writeFileSync(join(folder, ".devcontainer/devcontainer.json"), JSON.stringify(configuration));
});
afterAll(async () => engine?.[Symbol.asyncDispose]());

/** Runs one of its commands; what it prints. */
function devcontainer(command: string, ...args: readonly string[]): string {
  const places = ["--docker-path", dockerPath ?? "", "--docker-compose-path", composePath ?? ""];
  const { status, stdout, stderr } = spawnSync(
    "node",
    [program, command, ...places, "--workspace-folder", folder, ...args],
    { encoding: "utf8", env: { ...dockerEnvironment(engine), HOME: engine.directory } },
  );
  if (status !== 0) throw new Error(`devcontainer ${command}: ${status}: ${stdout}${stderr}`);
  return stdout;
}

interface Up {
  readonly outcome: string;
  readonly containerId: string;
  readonly remoteUser: string;
  readonly remoteWorkspaceFolder: string;
}

testUnless(missing)(
  "up makes an environment, exec is in it, and up again finds it",
  async () => {
    const up = (...args: readonly string[]): Up => JSON.parse(devcontainer("up", ...args)) as Up;
    const first = up();
    expect(first).toMatchObject({
      outcome: "success",
      remoteUser: "root",
      remoteWorkspaceFolder: "/workspaces/project",
    });
    const script =
      "echo $FROM_CONTAINER $FROM_REMOTE; pwd; cat source; cat /made; grep -c ' /cache ' /proc/mounts";
    expect(devcontainer("exec", "sh", "-c", script)).toBe(
      "one two\n/workspaces/project\nof the host\nmade\nstarted\n1\n",
    );
    expect(up().containerId).toBe(first.containerId);
    const again = up("--remove-existing-container");
    expect(again.outcome).toBe("success");
    expect(again.containerId).not.toBe(first.containerId);
    const { status } = await engine.request("GET", `/containers/${first.containerId}/json`);
    expect(status).toBe(404);
    const inspected = await engine.request("GET", `/containers/${again.containerId}/json`);
    const { Config } = inspected.json<{ readonly Config: { readonly Labels: Record<string, string> } }>();
    expect(Config.Labels["devcontainer.local_folder"]).toBe(folder);
    expect(JSON.parse(Config.Labels["devcontainer.metadata"] ?? "")).toMatchObject([
      { remoteEnv: { FROM_REMOTE: "two" } },
    ]);
  },
  300_000,
);
