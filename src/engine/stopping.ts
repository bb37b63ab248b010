/**
 * Ending containers' processes: signals, stops with a grace period, pauses.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { killTree } from "../cgroup/mod.ts";
import { ProgramBuilder } from "../kernel/mod.ts";
import { publishContainer } from "./container-events.ts";
import type { Container } from "./container-store.ts";
import { cancelRestart, requireNotRestarting } from "./restarting.ts";
import { orderShim } from "./shim-line.ts";
import { cgroupOf } from "./runtime-context.ts";
import type { Services } from "./services.ts";
import { signalNumber } from "./signals.ts";

const SIGKILL = 9;
/** What a killed process may take to be gone, in milliseconds, before its whole cgroup is killed. */
const killPatience = 10_000;

/** Waits for a container's exit; false if it takes longer than `milliseconds`. */
async function exitsWithin(container: Container, milliseconds: number): Promise<boolean> {
  const { exited } = container;
  if (exited === undefined) return true;
  if (milliseconds < 0) return exited.promise.then(() => true);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  void exited.promise.then(() => resolve(true));
  const result = await promise;
  clearTimeout(timer);
  return result;
}

/** What ends a process that doesn't know better; others are said to containers for other reasons: SIGHUP to reload. */
const endings = ["SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT"];

function isEnding({ record }: Container, number: number): boolean {
  const { StopSignal: own } = record.config;
  return (own ? [...endings, own] : endings).some((name) => signalNumber(name) === number);
}

/** Its restart policy holds still from here on, also if this engine is killed before its process ends. */
function rememberStop(services: Services, container: Container): void {
  const { store, memoryKills } = services;
  memoryKills.look(cgroupOf(services, container.record));
  container.state.manuallyStopped = true;
  if (container.record.hostConfig.RestartPolicy.Name === "no") return;
  store.save(container);
  store.flush();
}

/** Has a container not be started again that waits for that; false if it doesn't, or its start has begun. */
async function endsRestarting(services: Services, container: Container): Promise<boolean> {
  if (container.state.status !== "restarting") return false;
  return container.lock.run(async () => cancelRestart(services, container));
}

/** Sends a signal to a running container's process. */
export async function killContainer(services: Services, container: Container, number: number): Promise<void> {
  const ends = isEnding(container, number);
  // That the restart doesn't come is all that a signal can do.
  if (ends && (await endsRestarting(services, container))) return;
  if (!container.running) throw failure("container-not-running", { id: container.id });
  if (ends) rememberStop(services, container);
  await orderShim(container, services.paths.shim(container.id), (shim) => shim.signal(number));
  publishContainer(services, "kill", container, { signal: String(number) });
  // A frozen process takes no signal but this one, and this one only when it thaws.
  if (number === SIGKILL) {
    if (container.state.status === "paused") await thawContainer(services, container);
    await killForGood(services, container);
  }
}

/** Waits for the end of a process that was sent SIGKILL; kills its cgroup if it clings to life. */
async function killForGood(services: Services, container: Container): Promise<void> {
  if (await exitsWithin(container, killPatience)) return;
  await killTree(cgroupOf(services, container.record));
  if (await exitsWithin(container, killPatience)) return;
  throw failure("internal", {
    message: `container ${container.id}: the process ${container.state.pid} does not end after SIGKILL: it waits in the kernel`,
  });
}

/** Stops a container: its stop signal, time to end, SIGKILL. False if it doesn't run. */
export async function stopContainer(
  services: Services,
  container: Container,
  options: { readonly signal?: string; readonly timeout?: number },
): Promise<boolean> {
  const { config } = container.record;
  if (await endsRestarting(services, container)) {
    publishContainer(services, "stop", container);
    return true;
  }
  if (!container.running) return false;
  const number = signalNumber(options.signal || config.StopSignal || "SIGTERM");
  const seconds = options.timeout ?? config.StopTimeout ?? services.options.defaultStopTimeout;
  rememberStop(services, container);
  await orderShim(container, services.paths.shim(container.id), (shim) => shim.signal(number));
  publishContainer(services, "kill", container, { signal: String(number) });
  if (container.state.status === "paused") await thawContainer(services, container);
  if (!(await exitsWithin(container, seconds < 0 ? -1 : seconds * 1000))) {
    await orderShim(container, services.paths.shim(container.id), (shim) => shim.signal(SIGKILL));
    publishContainer(services, "kill", container, { signal: String(SIGKILL) });
    await killForGood(services, container);
  }
  publishContainer(services, "stop", container);
  return true;
}

/** Lets frozen processes go on; of others nothing changes. */
export async function thawContainer(services: Services, container: Container): Promise<void> {
  const { cgroups, executors } = services;
  const b = new ProgramBuilder();
  cgroups.thaw(b, cgroupOf(services, container.record));
  await executors.warm().run(b.build(), { doing: `unpause container ${container.id}` });
}

/** Freezes every process of a container. */
export async function pauseContainer(services: Services, container: Container): Promise<void> {
  const { cgroups, executors, store } = services;
  if (container.state.status === "paused") {
    throw failure("conflict", { message: `Container ${container.id} is already paused` });
  }
  requireNotRestarting(container);
  if (!container.running) throw failure("container-not-running", { id: container.id });
  const b = new ProgramBuilder();
  const state = cgroups.freeze(b, cgroupOf(services, container.record));
  const program = b.build();
  for (let attempt = 0; ; attempt++) {
    const outcome = await executors.warm().run(program, { doing: `pause container ${container.id}` });
    if (cgroups.isFrozen(outcome.bytesOf(state))) break;
    if (attempt > 1000) {
      await thawContainer(services, container);
      throw failure("internal", {
        message: `pause container ${container.id}: its processes can't be frozen now`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(1 + attempt, 10)));
  }
  container.state.status = "paused";
  // Neither shim nor exit record would tell the next engine.
  store.save(container);
  store.flush();
  publishContainer(services, "pause", container);
}

/** Lets a paused container go on. */
export async function unpauseContainer(services: Services, container: Container): Promise<void> {
  if (container.state.status !== "paused") {
    throw failure("conflict", { message: `Container ${container.id} is not paused` });
  }
  await thawContainer(services, container);
  container.state.status = "running";
  services.store.save(container);
  services.store.flush();
  publishContainer(services, "unpause", container);
}
