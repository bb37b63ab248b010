/**
 * The life of containers' processes: starting them through shims, hearing of their exits, finding them again after the
 * engine itself was restarted. The shim owns the process; the engine only follows.
 * @module
 */
import { existsSync } from "node:fs";
import { inContext, messageOf } from "../errors/mod.ts";
import { attachToShim, KernelError, type ProgramBuilder, type StartedShim } from "../kernel/mod.ts";
import { startBegins } from "./awaited-sender.ts";
import { whileCgroupIsHeld } from "./cgroup-holding.ts";
import { configJson } from "./config-json.ts";
import { addNetworkFiles, writeHosts } from "./container-files.ts";
import { NEVER } from "./container.ts";
import { hasResolver } from "./container-names.ts";
import type { Container, PendingAttach } from "./container-store.ts";
import type { HealthMonitors } from "./health-monitor.ts";
import { placesOf, SETTING_UP, type Place } from "./endpoints.ts";
import { ensureBindSources } from "./bind-sources.ts";
import { publishContainer, publishVolumes } from "./container-events.ts";
import { makeFolder } from "./folders.ts";
import { Following } from "./following.ts";
import { shimLog } from "./logging/plan.ts";
import { readExitRecord, type ExitRecord } from "./exit-record.ts";
import { linkEnvironment, requireLinked, runningParents } from "./links.ts";
import { interfaceFailure } from "./interface-failure.ts";
import { portConflict, PortTries } from "./port-conflicts.ts";
import { mountsAtStart } from "./mounted-volumes.ts";
import { publishNetwork } from "./network-events.ts";
import { restartsAfterExit } from "./restart-policy.ts";
import { Restarts } from "./restarting.ts";
import { removeRunTraces, removeRunTracesSoon } from "./run-traces.ts";
import { cgroupOf, prepareLaunch } from "./runtime-context.ts";
import { addLatePlaces, hasLatePlaces } from "./foreign-places.ts";
import { closeSandbox, endSandbox, openSandbox } from "./sandbox.ts";
import type { Services } from "./services.ts";
import { isStrange, lookAtShim } from "./shim-look.ts";
import { startFailure } from "./start-error.ts";
import { formatTime, now, parseTime } from "./time.ts";

/** What else has to be done when a container's process has exited. */
export type AfterExit = (container: Container) => Promise<void>;

/** A start may take this long before its shim is killed. */
const startDeadline = 120_000;

interface Launched {
  /** On networks. */
  readonly places: readonly Place[];
  readonly started: StartedShim;
}

export class Supervisor {
  readonly #services: Services;
  readonly #afterExit: AfterExit;
  readonly #health: HealthMonitors;
  readonly #restarts: Restarts;
  readonly #following: Following;

  /** `afterExit` runs, outside of the container's lock, after each exit that was recorded. */
  constructor(services: Services, health: HealthMonitors, afterExit: AfterExit) {
    this.#services = services;
    this.#health = health;
    this.#afterExit = afterExit;
    this.#restarts = new Restarts(services, (container) => this.start(container));
    this.#following = new Following(services, health, {
      entered: (container, pid, started) => this.#enter(container, pid, started),
      exited: (container, exit) => this.#exit(container, exit),
    });
  }

  /** Once every container was recovered: starts those that are to run. */
  async startAgain(): Promise<void> {
    await this.#restarts.startAll();
  }

  /** Starts nothing any more on its own. */
  close(): void {
    this.#following.close();
    this.#restarts.close();
  }

  /** Starts a container. Whoever calls holds its lock. */
  async start(container: Container): Promise<void> {
    const { store } = this.#services;
    const { record, state } = container;
    const pending = [...container.pending];
    using _begins = startBegins(container);
    const tries = new PortTries(container);
    let launched: Launched | undefined;
    while (launched === undefined) {
      try {
        launched = await this.#launch(container, pending, tries);
      } catch (error) {
        // With a full disk they stay until there is room; what failed is what is told.
        await removeRunTraces(this.#services, container).catch((left: unknown) => {
          this.#services.log.error(`clean up after container ${container.id}`, { error: left });
        });
        if (await tries.again(error)) continue;
        const { error: answer, exitCode } = startFailure(error, record.path);
        state.exitCode = exitCode;
        state.error = answer.message;
        store.save(container);
        this.#abandon(container, pending);
        throw answer;
      }
    }
    for (const { network, endpoint } of launched.places) {
      publishNetwork(this.#services, "connect", network, endpoint);
    }
    for (const parent of runningParents(this.#services, container)) {
      writeHosts(this.#services, parent).catch((error: unknown) => {
        this.#services.log.error(`tell ${parent.name} where ${container.name} is`, { error });
      });
    }
    publishVolumes(this.#services, "mount", container);
    publishContainer(this.#services, "start", container);
    for (const attach of pending) void this.#joinAttach(container, attach);
    // Only now: an end that is known already shall not be told before the start.
    void launched.started.exited.then((exit) =>
      exit === undefined ? this.#following.follow(container) : this.#exit(container, exit),
    );
  }

  /** Tries to start it. Of one that fails nothing is left but traces. */
  async #launch(
    container: Container,
    pending: readonly PendingAttach[],
    { passing }: PortTries,
  ): Promise<Launched> {
    const { paths, executors, logs, storage, volumes } = this.#services;
    const { record, id } = container;
    const { config } = record;
    const folder = paths.bundle(id);
    if (container.traces) await removeRunTraces(this.#services, container);
    container.traces = true;
    await ensureBindSources(this.#services, record);
    requireLinked(this.#services, container);
    const cgroup = cgroupOf(this.#services, record);
    const logging = await logs.connect(container);
    using shared = await this.#services.sharedVolumes.open(container);
    const { places, plan } = await openSandbox(this.#services, container, passing);
    this.#services.memoryKills.begin(cgroup);
    try {
      const root = storage.plan(id, record.chain);
      const mounted = { ...record, mounts: await mountsAtStart(this.#services, record, shared.paths) };
      const { spec, program } = await prepareLaunch(
        this.#services,
        mounted,
        root,
        plan,
        linkEnvironment(this.#services, container),
      );
      const bundle = (b: ProgramBuilder): void => {
        makeFolder(b, folder, 0o700, { "config.json": { content: configJson(spec), mode: 0o600 } });
        addNetworkFiles(b, this.#services, container, places);
      };
      const [rows, columns] = record.hostConfig.ConsoleSize;
      const log = shimLog(paths, container);
      const shim = {
        id,
        directory: folder,
        program,
        tty: config.Tty,
        openStdin: config.OpenStdin,
        stdinOnce: config.StdinOnce,
        expectedAttaches: pending.length,
        rows,
        columns,
        ...(log === undefined ? {} : { log }),
      };
      const late = async (pid: number): Promise<void> => {
        await addLatePlaces(this.#services, container, places, pid).catch((error: unknown) => {
          throw inContext(SETTING_UP, error);
        });
        await writeHosts(this.#services, container);
      };
      const options = {
        deadline: startDeadline,
        prepare: bundle,
        ...(hasLatePlaces(this.#services, places) ? { held: late } : {}),
      };
      const [started] = await Promise.all([
        whileCgroupIsHeld(this.#services, cgroup, record, () => executors.warm().shim(shim, options)),
        this.#named(container, places),
      ]);
      container.shim = started.line;
      this.#enter(container, started.pid, started.started);
      logs.started(container, logging);
      this.#services.networks.host.forget(places);
      return { places, started };
    } catch (error) {
      this.#services.memoryKills.forget(cgroup);
      logging.sink?.close();
      closeSandbox(this.#services, container, places);
      void volumes.uses.end(id);
      if (error instanceof KernelError && error.operation?.call === "netlink")
        this.#services.networks.host.doubt();
      const told = interfaceFailure(error, places);
      throw told === error ? portConflict(error, container, places, SETTING_UP) : inContext(SETTING_UP, told);
    }
  }

  /** Resolves when whoever is on its networks can call it by its name; a container without one runs all the same. */
  async #named(container: Container, places: readonly Place[]): Promise<void> {
    const { networks, log } = this.#services;
    if (!hasResolver(places)) return;
    await networks.resolver.flushed().catch((error: unknown) => {
      log.error(`answer for the names of container ${container.id}: ${messageOf(error)}`, { error });
    });
  }

  /** The container runs from here on. */
  #enter(container: Container, pid: number, started: bigint): void {
    const { state } = container;
    state.status = "running";
    state.pid = pid;
    state.exitCode = 0;
    state.error = "";
    state.oomKilled = false;
    state.manuallyStopped = false;
    state.startedAt = formatTime(started);
    container.startedAt = performance.now() - sinceTime(started);
    state.finishedAt = NEVER;
    state.relay = hasResolver(placesOf(this.#services, container));
    container.exited = Promise.withResolvers();
    this.#health.begin(container);
    this.#services.store.save(container);
  }

  /** Records an exit, once. */
  async #exit(container: Container, exit: ExitRecord): Promise<void> {
    const { state, exited } = container;
    if (exited === undefined || !container.running) return;
    const { store } = this.#services;
    container.shim?.close();
    container.shim = undefined;
    this.#health.leave(container);
    state.pid = 0;
    state.exitCode = exit.code;
    const again = restartsAfterExit(container.record.hostConfig.RestartPolicy, state);
    state.status = again ? "restarting" : "exited";
    if (again) state.restartCount++;
    state.oomKilled = this.#services.memoryKills.killed(cgroupOf(this.#services, container.record), {
      code: exit.code,
      asked: state.manuallyStopped,
    });
    state.error = exit.error ?? "";
    state.finishedAt = formatTime(exit.finished);
    store.save(container);
    this.#services.logs.exited(container);
    endSandbox(this.#services, container);
    void this.#services.volumes.uses.end(container.id);
    const seconds = secondsRun(container, exit.finished);
    container.startedAt = undefined;
    if (state.oomKilled) publishContainer(this.#services, "oom", container);
    publishVolumes(this.#services, "unmount", container);
    publishContainer(this.#services, "die", container, {
      execDuration: String(seconds),
      exitCode: String(exit.code),
    });
    container.exited = undefined;
    exited.resolve();
    const answer = {
      StatusCode: exit.code,
      ...(exit.error === undefined ? {} : { Error: { Message: exit.error } }),
    };
    for (const waiter of container.exitWaiters) waiter(answer);
    container.exitWaiters.clear();
    removeRunTracesSoon(this.#services, container);
    if (again) {
      this.#restarts.schedule(container, seconds);
      return;
    }
    try {
      await this.#afterExit(container);
    } catch (error) {
      this.#services.log.error(`clean up after container ${container.id}`, { error });
    }
  }

  async #joinAttach(container: Container, attach: PendingAttach): Promise<void> {
    container.pending.delete(attach);
    const { paths, log } = this.#services;
    try {
      attach.stream.join(await attachToShim(paths.socket(paths.bundle(container.id)), attach));
    } catch (error) {
      log.warn(`attach to container ${container.id}: ${messageOf(error)}`);
      attach.stream.abandon();
    }
  }

  #abandon(container: Container, pending: readonly PendingAttach[]): void {
    for (const attach of pending) {
      container.pending.delete(attach);
      attach.stream.abandon();
    }
  }

  /**
   * Finds out what became of a container while no engine ran: its shim lives, or left a record, or it was never
   * started, or it is gone without a trace (the host was restarted).
   */
  async recover(container: Container): Promise<void> {
    const { paths, store } = this.#services;
    const folder = paths.bundle(container.id);
    const { state } = container;
    container.traces = existsSync(folder);
    const shim = await lookAtShim(folder, paths.socket(folder));
    if (shim !== "gone") this.#services.memoryKills.begin(cgroupOf(this.#services, container.record));
    if (isStrange(shim)) {
      this.#following.keep(container, shim);
      return;
    }
    if (shim !== "gone" && shim.phase !== "exited") {
      if (!container.running) this.#enter(container, shim.pid, shim.started);
      else {
        container.exited = Promise.withResolvers();
        container.startedAt = performance.now() - sinceTime(parseTime(state.startedAt));
      }
      this.#health.resume(container);
      await this.#following.follow(container);
      return;
    }
    const record = readExitRecord(folder);
    // What this record says may be written down already: only the cleaning up was not done.
    const known =
      !container.running && record !== undefined && formatTime(record.finished) === state.finishedAt;
    if (!known && (record !== undefined || container.running)) {
      if (!container.running) this.#enter(container, record?.pid ?? 0, record?.started ?? now());
      else container.exited = Promise.withResolvers();
      const lost = {
        code: 255,
        signal: 0,
        finished: now(),
        error: "the host or the shim ended without a record",
      };
      // Nobody here saw how long it ran; the record's times tell.
      container.startedAt = undefined;
      await this.#exit(container, record ?? lost);
      return;
    }
    if (container.traces) await removeRunTraces(this.#services, container);
    if (state.status === "removing") {
      state.status = "exited";
      store.save(container);
    }
    // The engine may have been killed between its exit and what follows from it.
    if (state.status === "exited") await this.#afterExit(container);
  }
}

/** Milliseconds since a time of the wall's clock that was a moment ago, or before this engine. */
const sinceTime = (time: bigint): number => Math.max(0, Number(now() - time) / 1e6);

/** Whole seconds that a container ran for. */
function secondsRun({ startedAt, state }: Container, finished: bigint): number {
  const milliseconds =
    startedAt === undefined
      ? Number(finished - parseTime(state.startedAt)) / 1e6
      : performance.now() - startedAt;
  return Math.max(0, Math.floor(milliseconds / 1000));
}
