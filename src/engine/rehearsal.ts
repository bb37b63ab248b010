/**
 * A stage for containers that aren't real: the engine's own code with its own decisions, over executors that do nothing and
 * a database in memory. What every start runs through is run here before the first one, until the JIT has compiled it.
 * @module
 */
import { cgroupDriver, MemoryKills, type CgroupHost } from "../cgroup/mod.ts";
import { Executors } from "../kernel/mod.ts";
import { Trash } from "../storage/mod.ts";
import { ContainerStore } from "./container-store.ts";
import { ContainerService } from "./containers.ts";
import { StateDatabase } from "./database.ts";
import type { Rehearsal } from "./engine.ts";
import { EventLog } from "./events.ts";
import { HealthMonitors } from "./health-monitor.ts";
import { ExecutedHostPaths } from "./host-paths.ts";
import type { ImageResolver } from "./image-types.ts";
import { LogService } from "./logging/service.ts";
import type { Services } from "./services.ts";
import { SharedVolumes } from "./shared-volumes.ts";
import { Supervisor } from "./supervisor.ts";
import { VolumeService } from "./volumes.ts";

/** Whatever its name, there is an image without layers. */
const images: ImageResolver = {
  resolve: () => ({
    id: `sha256:${"0".repeat(64)}`,
    chain: [],
    defaults: { Env: ["PATH=/bin"], Cmd: ["sh"] },
    architecture: "",
    os: "linux",
  }),
  keep: () => ({ [Symbol.dispose]: () => undefined }),
  family: () => [],
};

/** Opens a stage beside the engine of `services`; `nativeBinary` is where its executor comes from. */
export function openRehearsal(real: Services, cgroupHost: CgroupHost, nativeBinary: string): Rehearsal {
  const { defaults, options, paths } = real;
  // What goes wrong here is nobody's trouble.
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const executors = new Executors(nativeBinary, true);
  const executor = (): ReturnType<Executors["warm"]> => executors.warm();
  const database = new StateDatabase(":memory:");
  const store = new ContainerStore(database);
  const events = new EventLog();
  const trash = new Trash("/", executor);
  const hostPaths = new ExecutedHostPaths(executors);
  const services: Services = {
    ...real,
    options,
    log,
    defaults,
    database,
    store,
    executors,
    storage: real.storage.with({ executor, session: executor }),
    // Systemd would be asked to make scopes.
    cgroups: cgroupDriver("cgroupfs", cgroupHost),
    memoryKills: new MemoryKills(),
    events,
    volumes: new VolumeService({
      database,
      dataRoot: paths.dataRoot,
      events,
      log,
      measure: async () => 0,
      users: () => [],
      hostPaths,
    }),
    sharedVolumes: new SharedVolumes(executors, store),
    images,
    logs: new LogService({ paths, executors, hostPaths, log }),
    hostPaths,
    trash: { data: trash, run: trash },
  };
  const health = new HealthMonitors(services, () => Promise.reject(new TypeError("nothing is probed here")));
  const supervisor: Supervisor = new Supervisor(services, health, (container) =>
    containers.afterExit(container),
  );
  const containers: ContainerService = new ContainerService(services, supervisor, health, {
    services,
    runningExecs: () => [],
  });
  const before = real.store.all().length;
  return {
    containers,
    early: () => real.store.all().length === before,
    close: () => {
      supervisor.close();
      store.flush();
      void services.logs.close();
      executors.close();
      database.close();
    },
  };
}
