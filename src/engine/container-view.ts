/**
 * Sessions in containers' roots: an executor of its own for each, which is killed when it hangs or isn't needed any more.
 * The root of a container that doesn't run is written by one session at a time, and a start waits for its end; nobody waits
 * for who only reads.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { KernelError, type Executor } from "../kernel/mod.ts";
import { compileView, type SpecMount, type View } from "../runtime/mod.ts";
import { rangeSize } from "../security/mod.ts";
import type { ViewSession } from "../storage/mod.ts";
import type { ContainerRecord, MountPoint } from "./container.ts";
import type { Container } from "./container-store.ts";
import { findJoin, idRangeOf, joinedFor } from "./joins.ts";
import { Lock } from "./lock.ts";
import { mountsAtStart } from "./mounted-volumes.ts";
import { fileDestinations, fileMounts, specMappings } from "./oci-spec.ts";
import { PatientSession } from "./patient-session.ts";
import type { Services } from "./services.ts";

/** A container that exits just then is looked at again. */
const mostTries = 5;

/** A session whose root directory is a container's. */
export interface ContainerView extends ViewSession, Disposable {
  /** Ids that there are for it. */
  readonly ids: number;
  /** Whether it is a running container's root. */
  readonly running: boolean;
}

/** Who is alone in a container's root, one after the other. */
const waiting = new WeakMap<Container, Lock>();

/** What a session is opened for. */
export interface ViewOptions {
  /** Without them nothing that is mounted in the root is there, and it is only read. */
  readonly mounts: boolean;
  /** Nobody else writes there meanwhile. */
  readonly writing?: boolean;
}

/** Opens a session in the container's root. */
export async function openView(
  services: Services,
  container: Container,
  { mounts, writing = false }: ViewOptions,
): Promise<ContainerView> {
  for (let tries = 1; ; tries++) {
    const leave = writing ? await turn(container) : (): void => undefined;
    try {
      const view = container.running
        ? await runningView(services, container, { mounts, tries, leave })
        : await stoppedView(services, container, { mounts, writing, leave });
      if (view !== undefined) return view;
      leave();
    } catch (error) {
      leave();
      // Its first start hasn't been, which makes the places of its mounts.
      if (writing || tries === mostTries || !isReadOnly(error)) throw error;
      (await openView(services, container, { mounts, writing: true }))[Symbol.dispose]();
    }
  }
}

/** Whether something had to be made in a root that is only read. */
const isReadOnly = (error: unknown): boolean => error instanceof KernelError && error.errnoName === "EROFS";

/** Undefined if it has exited in this moment. */
async function runningView(
  services: Services,
  container: Container,
  { mounts, tries, leave }: { readonly mounts: boolean; readonly tries: number; readonly leave: () => void },
): Promise<ContainerView | undefined> {
  const { record, state, exited } = container;
  const user = record.userNamespace.mode !== "host";
  const destinations = mounts ? fileDestinations(record) : [];
  try {
    return await enter(services, container, { kind: "running", pid: state.pid, user, destinations }, leave);
  } catch (error) {
    const hasGone = error instanceof KernelError && ["ESRCH", "ENOENT"].includes(error.errnoName);
    if (!hasGone || tries === mostTries) throw error;
    await exited?.promise;
    return undefined;
  }
}

let users = 0;

/** Undefined if it runs now. */
async function stoppedView(
  services: Services,
  container: Container,
  { mounts, writing, leave }: Required<ViewOptions> & { readonly leave: () => void },
): Promise<ContainerView | undefined> {
  const { store, sharedVolumes, volumes } = services;
  return await container.lock.run(async () => {
    if (store.byId(container.id) !== container) throw failure("no-such-container", { name: container.id });
    if (container.running) return undefined;
    if (!mounts) {
      const view = await stopped(services, container.record, { mounts: undefined, shared: true });
      return await enter(services, container, view, leave);
    }
    // Plugins know it as another user of the volumes than the container, which may start before this one ends.
    const user = `${container.id}-files-${users++}`;
    const end = (): void => {
      leave();
      void volumes.uses.end(user);
    };
    try {
      using shared = await sharedVolumes.open(container);
      const now = await mountsAtStart(services, { ...container.record, id: user }, shared.paths);
      const view = await stopped(
        services,
        { ...container.record, mounts: now },
        { mounts: now, shared: !writing },
      );
      return await enter(services, container, view, end);
    } catch (error) {
      end();
      throw error;
    }
  });
}

/** Waits for those who came before; what is returned lets the next one in. */
async function turn(container: Container): Promise<() => void> {
  const line = waiting.get(container) ?? new Lock();
  waiting.set(container, line);
  const mine = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  void line.run(() => {
    mine.resolve();
    return end.promise;
  });
  await mine.promise;
  return end.resolve;
}

/** What is mounted is as `mounts` say; undefined: nothing is. */
async function stopped(
  services: Services,
  record: ContainerRecord,
  { mounts, shared }: { readonly mounts: readonly MountPoint[] | undefined; readonly shared: boolean },
): Promise<View> {
  const { paths, storage, store } = services;
  const range = idRangeOf(services, record);
  const mapped = record.userNamespace.mode !== "host" && range !== undefined;
  const join = findJoin(store, record.hostConfig);
  const files = joinedFor(join, "network")?.id ?? record.id;
  const plan = storage.plan(record.id, record.chain);
  const places = {
    directory: paths.container(files),
    layerPaths: (chain: readonly string[]) => storage.layerPaths(chain),
  };
  const all = mounts === undefined ? [] : fileMounts(record, places, mapped);
  const directories = await kindsOfSources(services, all);
  return {
    kind: "stopped",
    // As it is started: a mark of the one mount would forbid the other.
    root: record.hostConfig.AutoRemove && plan.kind === "overlay" ? { ...plan, volatile: true } : plan,
    shared,
    ...(mapped ? { mappings: specMappings(range) } : {}),
    mounts: all.filter((mount) => isThere(mount, directories)).map(unkept),
    isDirectory: (source) => directories.get(source) === true,
    readOnly: record.hostConfig.ReadonlyRootfs,
  };
}

/** A source that is yet to be made has nothing to show. */
function isThere({ type, source = "", from }: SpecMount, directories: ReadonlyMap<string, boolean>): boolean {
  return type !== "bind" || from !== undefined || directories.has(source);
}

/** There is no shim that could keep a mount for others. */
function unkept(mount: SpecMount): SpecMount {
  return mount.from === undefined ? mount : { ...mount, from: { ...mount.from, keep: false } };
}

/** Whether each source of a bind that is there is a directory. */
async function kindsOfSources(
  { hostPaths }: Services,
  mounts: readonly SpecMount[],
): Promise<ReadonlyMap<string, boolean>> {
  const sources = mounts.flatMap(({ type, source = "" }) => (type === "bind" ? [source] : []));
  const found = await hostPaths.look(sources);
  return new Map([...found].map(([path, { directory }]) => [path, directory]));
}

async function enter(
  { executors }: Services,
  container: Container,
  view: View,
  leave: () => void,
): Promise<ContainerView> {
  const opened = new OpenView(executors.session(), container, view, leave);
  try {
    await opened.run(compileView(view));
    return opened;
  } catch (error) {
    opened[Symbol.dispose]();
    throw error;
  }
}

class OpenView extends PatientSession implements ContainerView {
  readonly ids: number;
  readonly running: boolean;
  readonly #leave: () => void;

  constructor(session: Executor, { id, record }: Container, view: View, leave: () => void) {
    super(session, `files of container ${id.slice(0, 12)}`);
    this.#leave = leave;
    this.running = view.kind === "running";
    this.ids = record.userNamespace.mode === "host" ? 0xffff_ffff : rangeSize;
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.#leave();
  }
}
