/**
 * An engine's services for tests: folders, database, events and cgroups' paths are real and lie in a temporary folder;
 * programs are kept instead of being run.
 * @module
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupDriver, detectCgroups, MemoryKills } from "../cgroup/mod.ts";
import { failure } from "../errors/mod.ts";
import { printProgram, type Executor, type Executors, type Outcome, type Program } from "../kernel/mod.ts";
import type { ResolverClient } from "../network/mod.ts";
import { Trash } from "../storage/mod.ts";
import { Container, ContainerStore } from "./container-store.ts";
import { newState, type ContainerState } from "./container.ts";
import { daemonDefaults, networkDefaults, type DaemonOptions } from "./daemon-options.ts";
import { engineId } from "./engine-id.ts";
import { ForeignNetworks } from "./foreign-networks.ts";
import { Plugins } from "../plugins/mod.ts";
import { pluginFiles } from "./plugin-files.ts";
import type { HostNetworks } from "./host-networks.ts";
import { directly } from "./host-devices.ts";
import type { HostPath, HostPaths } from "./host-paths.ts";
import type { LiveNetworks } from "./live-networks.ts";
import type { LogService } from "./logging/service.ts";
import { NetworkContext } from "./network-context.ts";
import { NetworkStore } from "./network-store.ts";
import { StateDatabase } from "./database.ts";
import { EventLog, type NewEvent } from "./events.ts";
import type { HostFacts } from "./host-facts.ts";
import { IdMapSupport } from "./idmap-support.ts";
import { FakeStorage } from "./images-fake-storage.ts";
import { EnginePaths } from "./paths.ts";
import { SeccompFilters } from "./seccomp.ts";
import type { Services } from "./services.ts";
import { defaults, exampleRecord } from "./testing.ts";
import { VolumeService } from "./volumes.ts";

const facts: HostFacts = {
  kernel: "6.1.0",
  kernelVersion: [6, 1],
  processors: 2,
  memory: 1 << 30,
  lastCapability: 40,
  capabilities: defaults.capabilities,
  throttledProcessors: [],
};

const none = async (): Promise<void> => undefined;

/** Looks without an executor. */
export const fakeHostPaths: HostPaths = {
  look: async (paths) => {
    const found: (readonly [string, HostPath])[] = [];
    for (const path of paths) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      const proc = statfsSync(path).type === 0x9fa0;
      const about = {
        directory: stat.isDirectory(),
        device: String(stat.dev),
        proc,
        path: realpathSync(path),
      };
      found.push([path, about]);
    }
    return new Map(found);
  },
  names: async (folders) => {
    const isThere = (folder: string): boolean =>
      statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
    return new Map(folders.filter(isThere).map((folder) => [folder, readdirSync(folder)]));
  },
  devices: async (paths) =>
    new Map(
      paths.flatMap((path) => {
        const found = directly.at(path);
        return found === undefined ? [] : [[path, found] as const];
      }),
    ),
  read: async (path) => readFileSync(path),
  isEmpty: async (path) => readdirSync(path).length === 0,
  makeFolder: async (path) => void mkdirSync(path, { recursive: true, mode: 0o755 }),
};

/** What the fake executor answers to a program: the output area, or an error to throw. */
export type RunAnswer = (program: string) => Uint8Array;

/** Storage that remembers what was removed and has the files that it is told to. */
export class RememberingStorage extends FakeStorage {
  readonly removed: string[] = [];
  readonly left: string[] = [];
  readonly files: Map<string, string> = new Map<string, string>();

  override async remove(container?: string): Promise<void> {
    if (container !== undefined) this.removed.push(container);
  }

  override async containers(): Promise<string[]> {
    return this.left;
  }

  override async readFile(_plan?: unknown, path = ""): Promise<undefined> {
    const text = this.files.get(path);
    // The driver's own type says bytes or nothing; the class that this one extends has nothing.
    return (text === undefined ? undefined : new TextEncoder().encode(text)) as undefined;
  }
}

/** Services and what came of using them. */
export class FakeServices implements Disposable {
  readonly root: string = mkdtempSync(join(tmpdir(), "caisson-services-"));
  readonly storage: RememberingStorage = new RememberingStorage();
  /** Programs that were run, as text. */
  readonly programs: string[] = [];
  readonly published: NewEvent[] = [];
  readonly logged: string[] = [];
  readonly services: Services;
  /** Answers programs; by default with zeros. */
  answer: RunAnswer = () => new Uint8Array(64);

  constructor() {
    const { root, storage } = this;
    const paths = new EnginePaths(join(root, "data"), join(root, "exec"));
    const database = new StateDatabase(":memory:");
    const events = new EventLog();
    const publish = events.publish.bind(events);
    events.publish = (event): void => {
      this.published.push(event);
      publish(event);
    };
    const log = (message: string): void => void this.logged.push(message);
    const cgroups = join(root, "cgroup");
    mkdirSync(cgroups);
    const files: Readonly<Record<string, string>> = {
      "/proc/self/mountinfo": `29 22 0:26 / ${cgroups} rw - cgroup2 cgroup2 rw`,
      "/proc/self/cgroup": "0::/engine\n",
      [`${cgroups}/cgroup.controllers`]: "cpuset cpu io memory pids\n",
    };
    const executor = (): Executor => ({ run: this.#run, fork: this.#run }) as unknown as Executor;
    const networkStore = new NetworkStore(database);
    const host = {
      up: none,
      down: none,
      prefixes: async () => [],
      addressesOf: async () => [],
      ready: none,
      release: () => undefined,
      forget: () => undefined,
    };
    const networks = new NetworkContext(
      networkStore,
      networkDefaults,
      host as unknown as HostNetworks,
      {} as unknown as LiveNetworks,
      { apply: () => undefined, flushed: none } as unknown as ResolverClient,
      new ForeignNetworks(
        { debug: log, info: log, warn: log, error: log },
        new Plugins(pluginFiles(fakeHostPaths)),
      ),
      engineId(database),
    );
    const services: Partial<Services> = {
      networks,
      trash: {
        data: new Trash(join(root, "trash"), executor),
        run: new Trash(join(root, "trash"), executor),
      },
      options: daemonDefaults as Partial<DaemonOptions> as DaemonOptions,
      log: { debug: log, info: log, warn: log, error: log },
      paths,
      facts,
      defaults,
      database,
      store: new ContainerStore(database),
      executors: { warm: () => ({ run: this.#run }) } as unknown as Executors,
      storage,
      cgroups: cgroupDriver("cgroupfs", detectCgroups({ read: (path) => files[path], list: () => [] })),
      memoryKills: new MemoryKills(),
      events,
      volumes: new VolumeService({
        database,
        dataRoot: paths.dataRoot,
        events,
        users: () => [],
        log: { error: log },
        measure: async () => 0,
        hostPaths: fakeHostPaths,
      }),
      images: {
        resolve: (name) => {
          throw failure("no-such-image", { reference: name });
        },
        keep: () => ({ [Symbol.dispose]: () => {} }),
        family: () => [],
      },
      logs: {
        connect: async () => ({}),
        started: () => undefined,
        exited: () => undefined,
        farewell: none,
      } as unknown as LogService,
      seccomp: new SeccompFilters("unconfined", facts),
      idmaps: new IdMapSupport(async () => undefined),
      hostPaths: fakeHostPaths,
    };
    this.services = services as Services;
  }

  readonly #run = async (program: Program): Promise<Outcome> => {
    const text = printProgram(program);
    this.programs.push(text);
    const output = this.answer(text);
    return {
      valueOf: () => 0,
      bytesOf: ({ offset, size }) => output.subarray(offset, offset + size),
    };
  };

  /** Adds a container; a running one gets a shim that keeps its signals in `signals`. */
  container(
    state: Partial<ContainerState> = {},
    change: Parameters<typeof exampleRecord>[0] = {},
  ): { readonly container: Container; readonly signals: number[] } {
    const container = new Container(exampleRecord(change), "web", { ...newState(), ...state });
    this.services.store.add(container);
    const signals: number[] = [];
    if (container.running) {
      container.exited = Promise.withResolvers<void>();
      const shim = { signal: (number: number): void => void signals.push(number) };
      container.shim = shim as unknown as NonNullable<Container["shim"]>;
    }
    return { container, signals };
  }

  /** What was published, as `action` or `action signal=9`. */
  get actions(): readonly string[] {
    return this.published.map(({ Action, Actor }) => {
      const signal = Actor.Attributes["signal"];
      return signal === undefined ? Action : `${Action} signal=${signal}`;
    });
  }

  [Symbol.dispose](): void {
    this.services.store.flush();
    this.services.networks.store.flush();
    this.services.database.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The process of `container` ends, as the supervisor tells it. */
export function exit(container: Container): void {
  container.state.status = "exited";
  container.exited?.resolve();
}
