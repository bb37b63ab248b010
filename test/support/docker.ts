/**
 * The real docker command line, where there is one.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ended, type Ended, type TestEngine } from "./engine.ts";

/** Where `tools/peers clients` of the bench unpacks Docker's programs. */
const peers = process.env["CAISSON_PEERS"] ?? "/var/tmp/caisson-peers";

function find(program: string, ...more: readonly string[]): string | undefined {
  const candidates = [join(peers, "usr/bin"), ...(process.env["PATH"] ?? "").split(":"), ...more];
  return candidates.map((directory) => join(directory, program)).find((path) => existsSync(path));
}

/** The docker CLI's path. */
export const dockerPath: string | undefined = find("docker");

/** The path of the plugin `docker compose`, which is a program of its own too. */
export const composePath: string | undefined = find(
  "docker-compose",
  "/usr/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
  "/usr/local/lib/docker/cli-plugins",
);

/** The path of dockerd, to compare with: what it says of a configuration. */
export const dockerdPath: string | undefined = find("dockerd", join(peers, "usr/sbin"), "/usr/sbin");

/** For `testUnless`: why there is nothing to compare with. */
export const noDockerd: string | undefined =
  dockerdPath === undefined ? `no dockerd in PATH or ${peers}` : undefined;

/** For `testUnless`: why the docker CLI can't be used. */
export const noDocker: string | undefined =
  dockerPath === undefined ? `no docker CLI in PATH or ${peers}` : undefined;

/** For `testUnless`: why docker compose can't be used. */
export const noCompose: string | undefined =
  composePath === undefined ? `no docker-compose in PATH, ${peers} or among docker's plugins` : undefined;

/** Environment that points the docker CLI to `engine`. */
export function dockerEnvironment(engine: TestEngine): NodeJS.ProcessEnv {
  return { ...process.env, DOCKER_HOST: engine.host, DOCKER_CONFIG: join(engine.directory, "docker-config") };
}

/** Runs docker against `engine`. */
export function docker(engine: TestEngine, args: readonly string[], input?: string | Uint8Array): Ended {
  if (dockerPath === undefined) throw new Error(noDocker);
  return ended(
    spawnSync(dockerPath, args, {
      cwd: engine.directory,
      env: dockerEnvironment(engine),
      maxBuffer: 1 << 30,
      ...(input === undefined ? {} : { input }),
    }),
  );
}

/** Runs docker compose against `engine` for the project in `directory`. */
export function compose(engine: TestEngine, directory: string, args: readonly string[]): Ended {
  if (composePath === undefined) throw new Error(noCompose);
  return ended(
    spawnSync(composePath, args, { cwd: directory, env: dockerEnvironment(engine), maxBuffer: 1 << 30 }),
  );
}
