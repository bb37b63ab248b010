/**
 * The engine: what Docker calls the daemon, without its API. Opening it finds again everything that was there.
 * @module
 */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cgroupDriver, cgroupFeatures, detectCgroups, MemoryKills } from "../cgroup/mod.ts";
import { failure, inContext, messageOf } from "../errors/mod.ts";
import { Executors, installNativeBinary, otherExecutorsGone } from "../kernel/mod.ts";
import { ResolverClient } from "../network/mod.ts";
import { diskUsage, openStorage, probeIdmap, Trash } from "../storage/mod.ts";
import { Configuration } from "./configuration.ts";
import { ContainerStore } from "./container-store.ts";
import { ContainerService } from "./containers.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import { refuseDockersData } from "./data-root.ts";
import { StateDatabase } from "./database.ts";
import type { Engine } from "./engine.ts";
import { EventLog } from "./events.ts";
import { ExecService } from "./exec.ts";
import { FileService } from "./files.ts";
import type { HostDefaults } from "./host-config.ts";
import { gatherHostFacts } from "./host-facts.ts";
import { IdMapSupport } from "./idmap-support.ts";
import { ImageService } from "./images.ts";
import { engineId } from "./engine-id.ts";
import { ForeignNetworks } from "./foreign-networks.ts";
import { Plugins } from "../plugins/mod.ts";
import { pluginFiles } from "./plugin-files.ts";
import { keepNamespaces } from "./foreign-places.ts";
import { HealthMonitors } from "./health-monitor.ts";
import { HostNetworks } from "./host-networks.ts";
import { ExecutedHostPaths } from "./host-paths.ts";
import { checkLogOptions, requiredLogFiles } from "./logging/options.ts";
import { LogService } from "./logging/service.ts";
import { LiveNetworks } from "./live-networks.ts";
import { NetworkContext } from "./network-context.ts";
import { NetworkStore } from "./network-store.ts";
import { NetworkService } from "./networks.ts";
import { ensurePredefined } from "./predefined-networks.ts";
import { pageOutExecutable } from "./own-pages.ts";
import { peerCredentials } from "./peer-credentials.ts";
import { releaseEnded, tellNames } from "./sandbox.ts";
import { protectFromOom } from "./oom-score.ts";
import { EnginePaths } from "./paths.ts";
import { restoreDataRoot } from "./restore-data-root.ts";
import { runProbe } from "./probing.ts";
import { openRehearsal } from "./rehearsal.ts";
import { SeccompFilters } from "./seccomp.ts";
import { notifyServiceManager } from "./service-manager.ts";
import type { EngineLog, Services } from "./services.ts";
import { SharedVolumes } from "./shared-volumes.ts";
import { Supervisor } from "./supervisor.ts";
import { sweep } from "./sweep.ts";
import { endStandstill } from "./standstill.ts";
import { SystemService } from "./system.ts";
import { removeRunTraces } from "./run-traces.ts";
import { buildIdentity } from "./version.ts";
import { resumeUpdate } from "./updating.ts";
import { undoFilling } from "./volume-copy-up.ts";
import { VolumeService } from "./volumes.ts";

/** Milliseconds that an engine which ends waits for plugins. */
const FAREWELL = 5000;

export { NEVER } from "./container.ts";
export type * from "./container-types.ts";
export type * from "./daemon-options.ts";
export type * from "./engine.ts";
export type * from "./network-types.ts";
export { guardEngine } from "./policy/guard.ts";
export type { ServiceState } from "./service-manager.ts";
export type { EngineLog } from "./services.ts";
export { parseInteger } from "./strconv.ts";
export { withoutCredentials } from "./system-facts.ts";

/** Opens the engine on its data root and finds running containers again. */
export async function openEngine(options: DaemonOptions, log: EngineLog): Promise<Engine> {
  const { dataRoot, execRoot } = options;
  checkDaemonLog(options);
  refuseDockersData(dataRoot);
  // First, since whoever is started from here on inherits it.
  protectFromOom(log);
  const configuration = new Configuration(options);
  const paths = new EnginePaths(dataRoot, execRoot);
  const facts = gatherHostFacts();
  const nativeBinary = installNativeBinary(execRoot);
  await otherExecutorsGone(nativeBinary);
  const executors = new Executors(nativeBinary);
  const cgroupHost = detectCgroups();
  const cgroups = cgroupDriver(options.cgroupDriver, cgroupHost);
  const database = new StateDatabase(paths.database, log);
  const store = new ContainerStore(database);
  const events = new EventLog();
  const storage = await openStorage(options.storageDriver, {
    root: join(dataRoot, "overlay2"),
    executor: () => executors.warm(),
    session: () => executors.session(),
  });
  const fixedDefaults = {
    logDriver: options.logDriver,
    logOptions: options.logOpts,
    cgroupVersion: cgroupHost.version,
    cgroupDriver: options.cgroupDriver,
    limits: cgroupFeatures(cgroupHost),
    processors: facts.processors,
    cpus: cgroupHost.cpuset?.cpus ?? "",
    memoryNodes: cgroupHost.cpuset?.mems ?? "",
    capabilities: facts.capabilities,
    ipcMode: options.defaultIpcMode,
    cgroupnsMode: options.defaultCgroupnsMode ?? (cgroupHost.version === 2 ? "private" : "host"),
    throttledProcessors: facts.throttledProcessors,
  } as const;
  const defaultsNow = (): HostDefaults => ({
    ...fixedDefaults,
    shmSize: configuration.options.defaultShmSize,
  });
  const idmaps = new IdMapSupport(async (path) => {
    const answer = await probeIdmap(executors.warm(), path);
    return answer.supported ? undefined : answer.reason;
  });
  const images = await ImageService.open({
    dataRoot,
    storage,
    publish: (event) => events.publish(event),
    warn: (message) => log.warn(message),
    registry: () => ({
      insecureRegistries: configuration.options.insecureRegistries,
      mirrors: configuration.options.registryMirrors,
    }),
    attempts: () => configuration.options.maxDownloadAttempts,
    downloads: options.maxConcurrentDownloads,
    uploads: options.maxConcurrentUploads,
    chainsInUse: () =>
      store
        .all()
        .flatMap(({ record: { chain, mounts } }) => [
          chain,
          ...mounts.flatMap(({ image }) => (image ? [image.chain] : [])),
        ]),
    containersUsing: (id) =>
      store
        .all()
        .filter(
          ({ record: { imageId, mounts } }) => imageId === id || mounts.some(({ image }) => image?.id === id),
        )
        .map((container) => ({ id: container.id, name: container.name, running: container.active })),
  });
  const hostPaths = new ExecutedHostPaths(executors);
  const volumes = new VolumeService({
    hostPaths,
    database,
    dataRoot,
    events,
    log,
    measure: async (folder) => await diskUsage(() => executors.session(), folder),
    users: (name) =>
      store
        .all()
        .filter(({ record }) => record.mounts.some((mount) => mount.name === name))
        .map(({ id }) => id),
  });
  const seccomp = new SeccompFilters(options.seccompProfile, facts);
  const trash = {
    data: new Trash(join(dataRoot, "trash"), () => executors.warm()),
    run: new Trash(join(execRoot, "trash"), () => executors.warm()),
  };
  const networkStore = new NetworkStore(database);
  const resolver = new ResolverClient({
    directory: join(execRoot, "dns"),
    command: resolverCommand(),
    version: buildIdentity(),
  });
  const host = new HostNetworks({
    executors,
    store: networkStore,
    options: options.network,
    kernel: facts.kernelVersion,
    relaySocket: resolver.relaySocket,
    log,
  });
  const networkContext = new NetworkContext(
    networkStore,
    options.network,
    host,
    new LiveNetworks(host, executors, options.network.userlandProxy),
    resolver,
    new ForeignNetworks(log, new Plugins(pluginFiles(hostPaths))),
    engineId(database),
  );
  const services: Services = {
    trash,
    get options() {
      return configuration.options;
    },
    log,
    paths,
    facts,
    get defaults() {
      return defaultsNow();
    },
    database,
    store,
    executors,
    storage,
    cgroups,
    memoryKills: new MemoryKills(),
    events,
    volumes,
    sharedVolumes: new SharedVolumes(executors, store),
    networks: networkContext,
    images,
    logs: new LogService({ paths, executors, hostPaths, log }),
    seccomp,
    idmaps,
    hostPaths,
  };
  const networks = new NetworkService(services);
  const execs = new ExecService(services);
  const health = new HealthMonitors(services, (container, command, limits) =>
    runProbe(services, () => execs.startProbe(container, command), container, limits),
  );
  const supervisor: Supervisor = new Supervisor(services, health, (container) =>
    containers.afterExit(container),
  );
  const containers: ContainerService = new ContainerService(services, supervisor, health, {
    services,
    runningExecs: (container) => execs.running(container),
  });
  await networks.finishRemovals();
  await ensurePredefined(networkContext, database);
  await Promise.all([trash.data.sweep(), trash.run.sweep()]);
  await sweep(services);
  await volumes.sweep();
  await restoreDataRoot(services);
  for (const container of store.all()) {
    try {
      if (container.state.filling === true && !existsSync(paths.bundle(container.id))) {
        await undoFilling(services, container);
        continue;
      }
      execs.recover(container);
      await supervisor.recover(container);
      await endStandstill(services, container);
      await resumeUpdate(services, container);
      services.logs.recover(container);
    } catch (error) {
      log.error(`find container ${container.id} again: ${messageOf(error)}`, { error });
    }
  }
  void images.sweep().catch((error: unknown) => log.error(`sweep images: ${messageOf(error)}`, { error }));
  releaseEnded(services);
  tellNames(services);
  volumes.uses.recover((id) => store.byId(id)?.running === true);
  keepNamespaces(services);
  // Nobody waits for the networks but who needs one.
  void host.ready().catch((error: unknown) => log.error(`set networks up: ${messageOf(error)}`, { error }));
  void supervisor.startAgain();
  return {
    containers,
    execs,
    files: new FileService(services, images),
    images,
    volumes,
    networks,
    events,
    system: new SystemService({ services, images, cgroupHost }),
    reload: (wanted) => {
      const ignored = configuration.reload(wanted);
      images.limitDownloads(wanted.maxConcurrentDownloads);
      images.limitUploads(wanted.maxConcurrentUploads);
      events.publish({
        Type: "daemon",
        Action: "reload",
        Actor: {
          ID: engineId(database),
          Attributes: {
            ...configuration.attributes,
            "default-cgroupns-mode": fixedDefaults.cgroupnsMode,
            name: hostname(),
          },
        },
      });
      return ignored;
    },
    rehearsal: () => openRehearsal(services, cgroupHost, nativeBinary),
    pageOut: (rehearse) => pageOutExecutable(executors, rehearse),
    peerCredentials: (descriptor) => peerCredentials(executors, descriptor),
    notify: (socket, state) => notifyServiceManager(executors, socket, state),
    idle: () => !store.all().some(({ active }) => active),
    close: async () => {
      health.close();
      supervisor.close();
      store.flush();
      networkStore.flush();
      execs.flush();
      for (const container of store.all()) {
        if (!container.running && container.traces) await removeRunTraces(services, container);
        container.shim?.close();
      }
      // Plugins that answer learn of the end of what has ended; one that doesn't holds nobody up.
      await Promise.race([networkContext.foreign.settled(), delay(FAREWELL, undefined, { ref: false })]);
      await services.logs.close();
      await host.close();
      resolver.close();
      executors.close();
      database.close();
    },
  };
}

/** What containers would get as their log, in dockerd's words. */
function checkDaemonLog({ logDriver, logOpts }: DaemonOptions): void {
  try {
    const config = { Type: logDriver, Config: logOpts };
    checkLogOptions(config);
    // Nobody else waits for this yet.
    const missing = requiredLogFiles(config).find(({ path, atStart }) => !atStart && !existsSync(path));
    if (missing !== undefined) throw failure("invalid-parameter", { message: missing.problem });
  } catch (error) {
    throw inContext("failed to set log opts", error);
  }
}

/** What starts a resolver: this executable, or in the tests what runs its source. */
function resolverCommand(): readonly [string, ...string[]] {
  const source = join(import.meta.dir, "../main.ts");
  return existsSync(source) ? [process.execPath, source, "resolver"] : [process.execPath, "resolver"];
}
