/**
 * Changing what a container was made with, while it runs or not: limits, restart policy, and beyond Docker its published
 * ports, labels and healthcheck. What is to be is written down first, then the cgroup is told; an engine that was killed in
 * between tells it when it starts.
 * @module
 */
import { KernelFiles, StatsReader } from "../cgroup/mod.ts";
import { failure, inContext, messageOf } from "../errors/mod.ts";
import { KernelError, ProgramBuilder } from "../kernel/mod.ts";
import { publishContainer } from "./container-events.ts";
import type { Container } from "./container-store.ts";
import type { ContainerConfig, HostConfig, UpdateBody } from "./container-types.ts";
import type { HealthMonitors } from "./health-monitor.ts";
import { checkHealthcheck, mergeHealthcheck } from "./healthcheck.ts";
import { lookAtDevices, namedDevices } from "./host-devices.ts";
import { portBindings, republish } from "./republishing.ts";
import { cgroupOf } from "./runtime-context.ts";
import type { Services } from "./services.ts";
import { liveChanges, mergeChanges, type HostChanges } from "./update-request.ts";

/** Refuses a limit below what can't be reclaimed: version 2 of cgroups would kill the container's processes for it. */
function checkUsage(services: Services, container: Container, after: HostConfig): void {
  const before = container.record.hostConfig.Memory;
  if (services.defaults.cgroupVersion === 1 || after.Memory <= 0 || (before > 0 && after.Memory >= before))
    return;
  using files = new KernelFiles();
  const { memory } = new StatsReader(cgroupOf(services, container.record), (path) => files.file(path)).read();
  if (memory === undefined) return;
  const cached = memory.details.matchAll(/^(?:in)?active_file (\d+)$/gm);
  const cache = [...cached].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  if (memory.usage - cache > after.Memory) throw tooLow(after.Memory, memory.usage);
}

function tooLow(limit: number, usage?: number): Error {
  const used = usage === undefined ? "it uses more" : `current usage: ${usage}`;
  return failure("conflict", { message: `unable to set memory limit to ${limit} (${used})` });
}

/** Tells a running container's cgroup what is different. */
async function tellCgroup(
  services: Services,
  container: Container,
  before: HostConfig,
  after: HostConfig,
): Promise<void> {
  const { cgroups, executors, defaults, hostPaths } = services;
  const cgroup = cgroupOf(services, container.record);
  const files = await lookAtDevices(hostPaths, [...namedDevices(before), ...namedDevices(after)]);
  const live = liveChanges(before, after, defaults.cgroupVersion, files);
  const b = new ProgramBuilder();
  cgroups.update(b, cgroup, live);
  const program = b.build();
  if (program.operations.length === 0) return;
  try {
    await executors.warm().run(program, { doing: `update container ${container.id}` });
    await cgroups.amend?.(cgroup, live);
  } catch (error) {
    throw error instanceof KernelError && error.errnoName === "EBUSY" ? tooLow(after.Memory) : error;
  }
}

/** Writes down a new HostConfig, with what was before until the cgroup has been told. */
function write(
  { store }: Services,
  container: Container,
  hostConfig: HostConfig,
  updating: HostChanges | undefined,
  config: ContainerConfig = container.record.config,
): void {
  const { state } = container;
  if (updating === undefined) delete state.updating;
  else state.updating = updating;
  store.change(container, { ...container.record, hostConfig, config });
}

/** The fields of `host` that `changes` is about. */
function former(host: HostConfig, changes: HostChanges): HostChanges {
  return Object.fromEntries(Object.entries(host).filter(([field]) => field in changes));
}

async function changeHost(
  services: Services,
  container: Container,
  changes: HostChanges,
  config: ContainerConfig,
): Promise<void> {
  const before = container.record.hostConfig;
  const after = mergeChanges(before, changes);
  if (!container.running) {
    write(services, container, after, undefined, config);
    return;
  }
  checkUsage(services, container, after);
  const configBefore = container.record.config;
  write(services, container, after, former(before, changes), config);
  try {
    await tellCgroup(services, container, before, after);
  } catch (error) {
    // What was told before the one that failed is taken back.
    await tellCgroup(services, container, after, before).catch((problem: unknown) =>
      services.log.warn(`take back an update of container ${container.id}: ${messageOf(problem)}`),
    );
    write(services, container, before, undefined, configBefore);
    throw error;
  }
  write(services, container, after, undefined);
}

/** Labels with some of them set, and those that are null removed. */
function mergeLabels(config: ContainerConfig, labels: UpdateBody["Labels"]): ContainerConfig {
  const merged = Object.entries({ ...config.Labels, ...labels }).filter(([, value]) => value !== null);
  return { ...config, Labels: Object.fromEntries(merged) as Record<string, string> };
}

function mergeConfig(config: ContainerConfig, { Labels, Healthcheck }: UpdateBody): ContainerConfig {
  const labelled = Labels === undefined || Labels === null ? config : mergeLabels(config, Labels);
  if (Healthcheck === undefined || Healthcheck === null) return labelled;
  const merged = mergeHealthcheck(Healthcheck, config.Healthcheck);
  return { ...labelled, ...(merged === undefined ? {} : { Healthcheck: merged }) };
}

/** Checks the part of a body that isn't Docker's. */
export function checkExtensions({ Healthcheck }: UpdateBody): void {
  checkHealthcheck(Healthcheck);
}

/**
 * Changes a container; all of it, or an error and it is as it was. `changes` come from `readChanges`. Whoever calls holds
 * its lock.
 */
export async function updateContainer(
  services: Services,
  health: HealthMonitors,
  container: Container,
  body: UpdateBody,
  changes: HostChanges,
): Promise<void> {
  const { PortBindings: ports, Healthcheck } = body;
  const config = mergeConfig(container.record.config, body);
  try {
    mergeChanges(container.record.hostConfig, changes);
    const portsBefore = portBindings(container) ?? {};
    if (ports !== undefined && ports !== null) await republish(services, container, ports);
    try {
      await changeHost(services, container, changes, config);
    } catch (error) {
      if (ports !== undefined && ports !== null) await republish(services, container, portsBefore);
      throw error;
    }
  } catch (error) {
    throw inContext(`Cannot update container ${container.id}`, error);
  }
  if (Healthcheck !== undefined && Healthcheck !== null) {
    health.change(container);
    services.store.save(container);
  }
  publishContainer(services, "update", container);
}

/** Goes on with an update that an engine was killed in the middle of. */
export async function resumeUpdate(services: Services, container: Container): Promise<void> {
  const { state, record } = container;
  if (state.updating === undefined) return;
  const { hostConfig: after } = record;
  const before = { ...after, ...state.updating };
  try {
    if (container.running) await tellCgroup(services, container, before, after);
    write(services, container, after, undefined);
  } catch (error) {
    services.log.warn(`update container ${container.id}: ${messageOf(error)}`);
    write(services, container, before, undefined);
  }
}
