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

function find(): string | undefined {
  const candidates = [join(peers, "usr/bin"), ...(process.env["PATH"] ?? "").split(":")];
  return candidates.map((directory) => join(directory, "docker")).find((path) => existsSync(path));
}

/** The docker CLI's path. */
export const dockerPath: string | undefined = find();

/** For `testUnless`: why the docker CLI can't be used. */
export const noDocker: string | undefined =
  dockerPath === undefined ? `no docker CLI in PATH or ${peers}` : undefined;

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
