/**
 * Restart policies: what they may say, whether an exit is followed by another start, and how long after. Pure; texts and
 * times are dockerd's (api/types/container/hostconfig.go, daemon/internal/restartmanager).
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ContainerState } from "./container.ts";
import { NEVER } from "./container.ts";
import type { HostConfig } from "./container-types.ts";

type Policy = HostConfig["RestartPolicy"];

/** Milliseconds before the first restart; each following one waits twice as long, up to the longest. */
const shortest = 100;
const longest = 60_000;
/** A container that ran for as many seconds begins again with the shortest. */
const settled = 10;

/** Throws `invalid-parameter` in Docker's words for what is no policy. */
export function checkRestartPolicy({ Name: name, MaximumRetryCount: retries }: Policy): void {
  const refuse = (message: string): never => {
    throw failure("invalid-parameter", { message: `invalid restart policy: ${message}` });
  };
  if (!["no", "always", "unless-stopped", "on-failure"].includes(name)) {
    refuse(`unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  }
  if (name !== "on-failure" && retries !== 0) {
    const negative = retries < 0 ? " and cannot be negative" : "";
    refuse(`maximum retry count can only be used with 'on-failure'${negative}`);
  }
  if (retries < 0) refuse("maximum retry count cannot be negative");
}

function failedAndMay(
  { MaximumRetryCount: retries }: Policy,
  { exitCode, restartCount }: ContainerState,
): boolean {
  return exitCode !== 0 && (retries === 0 || restartCount < retries);
}

/** Whether a container that has just ended is started again. Nothing that somebody stopped is. */
export function restartsAfterExit(policy: Policy, state: ContainerState): boolean {
  if (policy.Name === "no" || state.manuallyStopped) return false;
  return policy.Name !== "on-failure" || failedAndMay(policy, state);
}

/**
 * Whether a container that doesn't run is started when the engine is: what was to be started again, and with `always` also
 * what somebody stopped. Nothing that never ran is.
 */
export function restartsWithEngine(policy: Policy, state: ContainerState): boolean {
  if (state.status === "restarting") return true;
  if (state.startedAt === NEVER || state.status === "dead" || state.status === "removing") return false;
  return policy.Name === "always" || restartsAfterExit(policy, state);
}

/** Milliseconds until the next restart; `before` is the last one's, 0 for none, `ran` how many seconds it ran for. */
export function backOff(before: number, ran: number): number {
  return before === 0 || ran >= settled ? shortest : Math.min(before * 2, longest);
}
