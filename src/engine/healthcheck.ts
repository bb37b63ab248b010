/**
 * Healthchecks: what is asked for, what a probe's result makes of a container's health. Pure; src/engine/health-monitor.ts
 * runs the probes. Semantics and texts are dockerd's (daemon/health.go).
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ContainerConfig, Healthcheck } from "./container-types.ts";

/** How one probe ended. Times are RFC 3339. */
export interface ProbeResult {
  readonly Start: string;
  readonly End: string;
  /** 0: healthy; -1: it could not be run, or took too long. */
  readonly ExitCode: number;
  readonly Output: string;
}

export interface Health {
  readonly status: "starting" | "healthy" | "unhealthy";
  /** Failures since the last success. */
  readonly failingStreak: number;
  /** The last results, the newest last. */
  readonly log: readonly ProbeResult[];
}

/** Results that are remembered. */
const remembered = 5;
const millisecond = 1_000_000;
const second = 1_000_000_000;
const defaults = { interval: 30 * second, timeout: 30 * second, startInterval: 5 * second, retries: 3 };
const durations = ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const;

/** Throws `invalid-parameter` in Docker's words for what no healthcheck can say. */
export function checkHealthcheck(check: Healthcheck | null | undefined): void {
  if (check === undefined || check === null) return;
  const refuse = (message: string): never => {
    throw failure("invalid-parameter", { message });
  };
  for (const name of durations) {
    const value = check[name] ?? 0;
    if (value !== 0 && value < millisecond) refuse(`${name} in Healthcheck cannot be less than 1ms`);
  }
  if ((check.Retries ?? 0) < 0) refuse("Retries in Healthcheck cannot be negative");
}

/** What the client says, with what it leaves out taken from the image; nothing that is zero. */
export function mergeHealthcheck(
  own: Healthcheck | null | undefined,
  image: Healthcheck | null | undefined,
): Healthcheck | undefined {
  const said = own ?? image;
  if (said === undefined || said === null) return undefined;
  const test = (own?.Test ?? []).length > 0 ? own?.Test : image?.Test;
  const of = (name: (typeof durations)[number] | "Retries"): Healthcheck => {
    const value = own?.[name] || image?.[name];
    return value ? { [name]: value } : {};
  };
  return {
    ...((test ?? []).length > 0 ? { Test: test } : {}),
    ...of("Interval"),
    ...of("Timeout"),
    ...of("StartPeriod"),
    ...of("StartInterval"),
    ...of("Retries"),
  };
}

/** The command that probes a container; undefined where there is no healthcheck. */
export function probeCommand({ Healthcheck, Shell }: ContainerConfig): readonly string[] | undefined {
  const [kind, ...command] = Healthcheck?.Test ?? [];
  if (kind === "CMD") return command;
  if (kind !== "CMD-SHELL") return undefined;
  const shell = (Shell ?? []).length > 0 ? (Shell ?? []) : ["/bin/sh", "-c"];
  return [...shell, ...command];
}

/** What to warn of when a container is made whose healthcheck nothing can be done with. */
export function healthcheckWarnings({ Healthcheck }: ContainerConfig): string[] {
  const [kind] = Healthcheck?.Test ?? [];
  if (kind === undefined || ["NONE", "CMD", "CMD-SHELL"].includes(kind)) return [];
  return [`Unknown healthcheck type '${kind}' (expected 'CMD'): the container's health is not checked.`];
}

/** How long one probe may take, in nanoseconds. */
export function probeTimeout({ Timeout }: Healthcheck): number {
  return Timeout || defaults.timeout;
}

/** Nanoseconds until the next probe of a container that was started `running` nanoseconds ago. */
export function probeInterval(check: Healthcheck, { status }: Health, running: number): number {
  const starts = status === "starting" && running < (check.StartPeriod ?? 0);
  return starts ? check.StartInterval || defaults.startInterval : check.Interval || defaults.interval;
}

/** The health of a container that was just started, which keeps what earlier probes said. */
export function freshHealth(before: Health | undefined): Health {
  return { status: "starting", failingStreak: 0, log: before?.log ?? [] };
}

/** The health of one that isn't probed any more: Docker calls it unhealthy. */
export function endedHealth(before: Health): Health {
  return { ...before, status: "unhealthy" };
}

/** What `result` makes of the health of a container that had run for `running` nanoseconds when the probe began. */
export function judge(health: Health, check: Healthcheck, running: number, result: ProbeResult): Health {
  const log = [...health.log, result].slice(-remembered);
  if (result.ExitCode === 0) return { status: "healthy", failingStreak: 0, log };
  if (health.status === "starting" && running < (check.StartPeriod ?? 0)) return { ...health, log };
  const failingStreak = health.failingStreak + 1;
  const retries = check.Retries || defaults.retries;
  return { status: failingStreak >= retries ? "unhealthy" : health.status, failingStreak, log };
}

/** As `docker ps` says it, in brackets. */
export function healthText({ status }: Health): string {
  return status === "starting" ? "health: starting" : status;
}
