/**
 * The engine's containers as the API sees them: finds the one that is meant, takes its lock, hands the work to the part
 * that does it.
 * @module
 */
import { failure, inContext } from "../errors/mod.ts";
import { printProgram } from "../kernel/mod.ts";
import { processesBelow } from "../cgroup/mod.ts";
import { attachContainer } from "./attaching.ts";
import { newState, type ContainerRecord } from "./container.ts";
import type { UpdateBody } from "./container-types.ts";
import { Container } from "./container-store.ts";
import { publishContainer } from "./container-events.ts";
import { tellPlaces } from "./connecting.ts";
import { createContainer, draftContainer } from "./create.ts";
import { filterPorts } from "./endpoint-json.ts";
import type {
  Attachment,
  AttachOptions,
  Containers,
  CreateRequest,
  Filters,
  Json,
  LogOptions,
  Logs,
  WaitAnswer,
  WaitCondition,
} from "./engine.ts";
import { sketchMounts } from "./container-mounts.ts";
import { containerFilter, type FilterLookup } from "./container-filter.ts";
import { checkFilters, pruneLabelsMatch, untilFilter } from "./filters.ts";
import type { HealthMonitors } from "./health-monitor.ts";
import { inspectContainer, type InspectContext } from "./inspect.ts";
import { linkEnvironment } from "./links.ts";
import { sketchSandbox } from "./sandbox.ts";
import { isReadable, logPath } from "./logging/plan.ts";
import { readLogs } from "./logging/reader.ts";
import { checkName } from "./names.ts";
import { removeContainer } from "./removal.ts";
import { requireNotRestarting } from "./restarting.ts";
import { cgroupOf, prepareLaunch } from "./runtime-context.ts";
import { orderShim } from "./shim-line.ts";
import type { Services } from "./services.ts";
import { signalNumber } from "./signals.ts";
import { containerStats, StatsCollector } from "./stats.ts";
import { killContainer, pauseContainer, stopContainer, unpauseContainer } from "./stopping.ts";
import { Summaries } from "./summary.ts";
import type { Supervisor } from "./supervisor.ts";
import { now, parseTime } from "./time.ts";
import { processTable } from "./top.ts";
import { removeLink } from "./unlinking.ts";
import { readChanges } from "./update-request.ts";
import { checkExtensions, updateContainer } from "./updating.ts";
import { waitForContainer } from "./waiting.ts";

export class ContainerService implements Containers {
  readonly #services: Services;
  readonly #supervisor: Supervisor;
  readonly #health: HealthMonitors;
  readonly #inspection: InspectContext;
  readonly #collector: StatsCollector;

  constructor(
    services: Services,
    supervisor: Supervisor,
    health: HealthMonitors,
    inspection: InspectContext,
  ) {
    this.#services = services;
    this.#collector = new StatsCollector(services);
    this.#supervisor = supervisor;
    this.#health = health;
    this.#inspection = inspection;
  }

  #find(name: string): Container {
    return this.#services.store.find(name);
  }

  async create(request: CreateRequest): Promise<{ Id: string; Warnings: string[] }> {
    const { container, warnings } = await createContainer(this.#services, request);
    publishContainer(this.#services, "create", container);
    return { Id: container.id, Warnings: warnings };
  }

  async explain(request: CreateRequest): Promise<string> {
    const draft = await draftContainer(this.#services, request);
    const { name, networks, links } = draft;
    const record = { ...draft.record, mounts: sketchMounts(this.#services, draft.record.mounts) };
    const plan = this.#services.storage.plan(record.id, record.chain);
    const sketch = new Container(record, name, { ...newState(), networks, links });
    const { plan: network } = await sketchSandbox(this.#services, sketch);
    const linked = linkEnvironment(this.#services, sketch);
    const { program } = await prepareLaunch(this.#services, record, plan, network, linked);
    return printProgram(program);
  }

  async list(options: { all: boolean; limit: number; size: boolean; filters: Filters }): Promise<Json[]> {
    const { filters, limit } = options;
    const filter = containerFilter(filters, this.#filterLookup());
    const everything = options.all || limit > 0 || filter.stoppedToo;
    const { store } = this.#services;
    const matching = newestFirst(store.all()).filter(
      ({ record, state, name, running }) =>
        (everything || running || state.status === "restarting") && filter.matches(record, state, name),
    );
    const chosen = limit > 0 ? matching.slice(0, limit) : matching;
    const summaries = new Summaries(this.#services);
    if (!options.size) return chosen.map((container) => summaries.of(container));
    const sized = await Promise.all(chosen.map((container) => summaries.withSizes(container)));
    // Measuring takes a while: who has been removed meanwhile isn't told.
    return sized.filter((_, at) => store.byId(chosen[at]?.id ?? "") === chosen[at]);
  }

  #filterLookup(): FilterLookup {
    const { store, images, networks } = this.#services;
    const namesOf = ({ id, hostConfig }: ContainerRecord): readonly string[] => {
      const entries = store.byId(id)?.state.networks ?? [];
      return entries.length > 0 ? entries.map(({ name }) => name) : [hostConfig.NetworkMode];
    };
    return {
      container: (name) => store.find(name).record,
      byPrefix: (prefix) => store.byPrefix(prefix)?.id,
      imageFamily: (name) => images.family(name),
      networks: (record) => namesOf(record).map((name) => ({ name, id: networks.id(name) })),
      ports: ({ id }) => {
        const container = store.byId(id);
        return container === undefined ? [] : filterPorts(networks.store, container);
      },
    };
  }

  async inspect(name: string, size: boolean): Promise<Json> {
    return inspectContainer(this.#inspection, this.#find(name), size);
  }

  async start(name: string): Promise<boolean> {
    const container = this.#find(name);
    const started = await container.lock.run(async () => {
      if (container.state.status === "paused") {
        throw failure("conflict", { message: "cannot start a paused container, try unpause instead" });
      }
      if (container.active) return false;
      if (this.#services.store.byId(container.id) !== container) {
        throw failure("conflict", { message: "container is marked for removal and cannot be started" });
      }
      container.backOff = 0;
      container.state.restartCount = 0;
      try {
        await this.#supervisor.start(container);
      } catch (error) {
        if (container.record.hostConfig.AutoRemove) {
          await removeContainer(this.#services, container, { force: true, volumes: true });
        }
        throw error;
      }
      return true;
    });
    return started;
  }

  async stop(name: string, options: { signal?: string; timeout?: number }): Promise<boolean> {
    const container = this.#find(name);
    try {
      return await stopContainer(this.#services, container, options);
    } catch (error) {
      throw inContext(`cannot stop container: ${name}`, error);
    }
  }

  async restart(name: string, options: { signal?: string; timeout?: number }): Promise<void> {
    const container = this.#find(name);
    container.comesBack++;
    try {
      await stopContainer(this.#services, container, options);
      await this.start(container.id);
    } catch (error) {
      throw inContext(`Cannot restart container ${name}`, error);
    } finally {
      container.comesBack--;
      // Its new run may be over already: nobody removed it then.
      this.afterExit(container).catch((error: unknown) => {
        this.#services.log.error(`remove container ${container.id} after its restart`, { error });
      });
    }
    publishContainer(this.#services, "restart", container);
  }

  async kill(name: string, signal: string): Promise<void> {
    try {
      // A signal that is none is told even of a container that isn't there.
      const number = signalNumber(signal);
      await killContainer(this.#services, this.#find(name), number);
    } catch (error) {
      throw inContext(`cannot kill container: ${name}`, error);
    }
  }

  async pause(name: string): Promise<void> {
    const container = this.#find(name);
    await container.lock.run(async () => {
      await pauseContainer(this.#services, container);
      this.#health.leave(container);
    });
  }

  async unpause(name: string): Promise<void> {
    const container = this.#find(name);
    await container.lock.run(async () => {
      await unpauseContainer(this.#services, container);
      this.#health.goOn(container);
    });
  }

  async rename(name: string, to: string): Promise<void> {
    const container = this.#find(name);
    const plain = to.startsWith("/") ? to.slice(1) : to;
    if (plain === "")
      throw failure("invalid-parameter", { message: "Neither old nor new names may be empty" });
    if (plain === container.name) {
      throw failure("invalid-parameter", {
        message: "Renaming a container with the same name as its current name",
      });
    }
    try {
      checkName(plain, "/");
    } catch (error) {
      throw inContext("Error when allocating new name", error);
    }
    const old = container.name;
    try {
      this.#services.store.rename(container, plain);
    } catch (error) {
      throw inContext("Error when allocating new name", error);
    }
    if (container.running) await tellPlaces(this.#services, container);
    publishContainer(this.#services, "rename", container, { oldName: `/${old}` });
  }

  wait(name: string, condition: WaitCondition): { readonly done: Promise<WaitAnswer> } {
    return waitForContainer(this.#find(name), condition);
  }

  async remove(name: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void> {
    if (options.link) return removeLink(this.#services, name);
    const container = this.#find(name);
    await container.lock.run(() => removeContainer(this.#services, container, options));
  }

  /** What happens after an exit: a container that asked for it removes itself. */
  async afterExit(container: Container): Promise<void> {
    if (!container.record.hostConfig.AutoRemove || container.running || container.comesBack > 0) return;
    await container.lock.run(async () => {
      if (container.running || this.#services.store.byId(container.id) !== container) return;
      await removeContainer(this.#services, container, { force: false, volumes: true });
    });
  }

  async prune(filters: Filters): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }> {
    checkFilters(filters, new Set(["until", "label", "label!"]));
    const { store, storage } = this.#services;
    const until = untilFilter(filters, now());
    const deleted: string[] = [];
    let space = 0;
    for (const container of store.all()) {
      const { record } = container;
      if (container.active || !pruneLabelsMatch(filters, record.config.Labels)) continue;
      if (until !== undefined && parseTime(record.created) >= until) continue;
      space += await storage.containerSize(container.id);
      await container.lock.run(() =>
        removeContainer(this.#services, container, { force: false, volumes: false }),
      );
      deleted.push(container.id);
    }
    const Attributes = { reclaimed: String(space) };
    this.#services.events.publish({ Type: "container", Action: "prune", Actor: { ID: "", Attributes } });
    return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: space };
  }

  async top(name: string, psArguments: string): Promise<{ Titles: string[]; Processes: string[][] }> {
    const container = this.#find(name);
    requireNotRestarting(container);
    if (!container.running) throw failure("container-not-running", { id: container.id });
    const directory = cgroupOf(this.#services, container.record).directories[0]?.path ?? "";
    const pids = await processesBelow(directory);
    publishContainer(this.#services, "top", container);
    return processTable(psArguments, new Set(pids));
  }

  async stats(
    name: string,
    options: { stream: boolean; oneShot: boolean; signal: AbortSignal },
  ): Promise<AsyncIterable<string>> {
    return containerStats(this.#collector, this.#find(name), options);
  }

  async logs(name: string, options: LogOptions): Promise<Logs> {
    const container = this.#find(name);
    const { config } = container.record;
    const path = logPath(this.#services.paths, container.record);
    if (path === undefined || !isReadable(container.record)) throw failure("logs-unreadable", {});
    const live = container.exited === undefined ? undefined : { ended: container.exited.promise };
    const stream = readLogs(path, { ...options, tty: config.Tty }, live);
    return { tty: config.Tty, stream };
  }

  async attach(name: string, options: AttachOptions): Promise<Attachment> {
    return attachContainer(this.#services, this.#find(name), options, name);
  }

  detached(name: string): void {
    publishContainer(this.#services, "detach", this.#find(name));
  }

  async update(name: string, body: UpdateBody): Promise<{ Warnings: string[] | null }> {
    const { changes, warnings } = readChanges(body, this.#services.defaults);
    checkExtensions(body);
    const container = this.#find(name);
    await container.lock.run(() => updateContainer(this.#services, this.#health, container, body, changes));
    return { Warnings: warnings.length === 0 ? null : warnings };
  }

  async resize(name: string, rows: number, columns: number): Promise<void> {
    const container = this.#find(name);
    if (!container.running) throw failure("container-not-running", { id: container.id });
    await orderShim(container, this.#services.paths.shim(container.id), (shim) => shim.resize(rows, columns));
    publishContainer(this.#services, "resize", container, { height: String(rows), width: String(columns) });
  }
}

function newestFirst(containers: readonly Container[]): Container[] {
  const reversed = containers.toReversed();
  const created = (at: number): string => reversed[at]?.record.created ?? "";
  // They are kept in the order in which they were made, but for those that were made at the same time.
  if (reversed.every((_, at) => at === 0 || created(at - 1) >= created(at))) return reversed;
  return reversed.sort((a, b) => (a.record.created < b.record.created ? 1 : -1));
}
