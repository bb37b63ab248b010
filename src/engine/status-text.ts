/**
 * What `docker ps` says of a container's state: `Up 2 seconds`, `Exited (0) 3 minutes ago`.
 * @module
 */
import { healthText } from "./healthcheck.ts";
import { NEVER, type ContainerState } from "./container.ts";
import { now, parseTime } from "./time.ts";

/** A duration as people say it: go-units' HumanDuration. Negative ones are less than a second. */
export function humanDuration(nanoseconds: bigint): string {
  const seconds = Math.max(0, Number(nanoseconds / 1_000_000_000n));
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  // Go rounds the hours, and only them.
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(seconds / 3600 / 24 / 365)} years`;
}

/** Times of states as they were read last: lists ask for them again and again. */
const read = new WeakMap<ContainerState, { readonly text: string; readonly time: bigint }>();

function timeOf(state: ContainerState, text: string): bigint {
  const last = read.get(state);
  if (last?.text === text) return last.time;
  const time = parseTime(text);
  read.set(state, { text, time });
  return time;
}

/** The state in words, at the moment `at` (nanoseconds since the epoch). */
export function statusText(state: ContainerState, at: bigint = now()): string {
  const since = (time: string): string => humanDuration(at - timeOf(state, time));
  switch (state.status) {
    case "running":
      return `Up ${since(state.startedAt)}${state.health === undefined ? "" : ` (${healthText(state.health)})`}`;
    case "paused":
      return `Up ${since(state.startedAt)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    case "exited":
      return state.finishedAt === NEVER ? "" : `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}
