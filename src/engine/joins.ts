/**
 * Containers whose namespaces another one joins (`--network container:X`, `--pid container:X`, `--ipc container:X`).
 * @module
 */
import { failure, inContext, messageOf } from "../errors/mod.ts";
import type { Container, ContainerStore } from "./container-store.ts";
import type { ContainerRecord } from "./container.ts";
import type { HostConfig } from "./container-types.ts";

/** Modes that can name a container, and the namespace that each is about. */
const modes = [
  ["network", "NetworkMode"],
  ["pid", "PidMode"],
  ["ipc", "IpcMode"],
] as const;

type Joinable = (typeof modes)[number][0];

/** A container that is joined, and what of it. */
export interface JoinedContainer {
  readonly target: Container;
  readonly namespaces: readonly Joinable[];
}

/** All that is joined. */
export interface JoinTarget extends JoinedContainer {
  /** Further containers of the same user namespace, of which others are joined. */
  readonly others?: readonly JoinedContainer[];
}

/**
 * Finds what `host` joins. All of it must be of containers that share one user namespace: a process has one alone, and
 * it could do nothing in the namespaces of another.
 */
export function findJoin(store: ContainerStore, host: HostConfig): JoinTarget | undefined {
  const joined = new Map<Container, Joinable[]>();
  for (const [namespace, field] of modes) {
    const mode = host[field];
    if (!mode.startsWith("container:")) continue;
    const target = findJoined(store, namespace, mode);
    joined.set(target, [...(joined.get(target) ?? []), namespace]);
  }
  const [first, ...others] = [...joined].map(([target, namespaces]) => ({ target, namespaces }));
  if (first === undefined) return undefined;
  const owner = userNamespaceOf(store, first.target);
  const stranger = others.find(({ target }) => userNamespaceOf(store, target) !== owner);
  if (stranger !== undefined) {
    const names = `${first.target.name} and ${stranger.target.name}`;
    const what = `joining namespaces of two containers with user namespaces of their own (${names})`;
    throw failure("not-implemented", { what });
  }
  return others.length === 0 ? first : { ...first, others };
}

/** The container whose user namespace this one has; undefined: it has the host's. */
function userNamespaceOf(store: ContainerStore, container: Container): Container | undefined {
  const { userNamespace, hostConfig } = container.record;
  if (userNamespace.mode === "host") return undefined;
  if (userNamespace.mode === "private") return container;
  const join = findJoin(store, hostConfig);
  return join && userNamespaceOf(store, join.target);
}

/** The joined container that has the namespace. */
export function joinedFor(join: JoinTarget | undefined, namespace: Joinable): Container | undefined {
  if (join === undefined) return undefined;
  return [join, ...(join.others ?? [])].find(({ namespaces }) => namespaces.includes(namespace))?.target;
}

function findJoined(store: ContainerStore, namespace: Joinable, mode: string): Container {
  try {
    return store.find(mode.slice("container:".length));
  } catch (error) {
    throw namespace === "network" ? inContext("joining network namespace of container", error) : error;
  }
}

/** Throws Docker's error for what can't be joined because its container doesn't run. */
export function requireJoinable(join: JoinTarget): void {
  for (const joined of [join, ...(join.others ?? [])]) requireRunning(joined);
}

function requireRunning({ target, namespaces }: JoinedContainer): void {
  if (target.running) {
    if (namespaces.includes("ipc") && ["private", "none"].includes(target.record.hostConfig.IpcMode)) {
      const hint = "hint: use IpcMode:shareable for the donor container";
      const message = `failed to join IPC namespace: container ${target.id}: non-shareable IPC (${hint})`;
      throw failure("invalid-parameter", { message });
    }
    return;
  }
  if (namespaces.includes("network")) {
    const message = `cannot join network namespace of a non running container: container ${target.name} is ${target.state.status}`;
    throw failure("conflict", { message });
  }
  const which = namespaces.includes("ipc") ? "IPC" : "PID";
  const message = `failed to join ${which} namespace: container ${target.id} is not running`;
  throw failure("conflict", { message });
}

/** The same modes with the joined container's id in place of whatever it was called by. */
export function resolveModes(store: ContainerStore, host: HostConfig): HostConfig {
  const resolve = ([namespace, field]: (typeof modes)[number]): string => {
    const mode = host[field];
    if (!mode.startsWith("container:")) return mode;
    try {
      return `container:${findJoined(store, namespace, mode).id}`;
    } catch (error) {
      // Not as 404: clients would take it for a missing image and pull.
      throw failure("invalid-parameter", { message: messageOf(error) }, error);
    }
  };
  return {
    ...host,
    ...Object.fromEntries(modes.map((mode) => [mode[1], resolve(mode)])),
  };
}

/** The range that a container's ids are from: its own, or that of the container whose user namespace it joins. */
export function idRangeOf(
  { store }: { readonly store: ContainerStore },
  record: ContainerRecord,
): number | undefined {
  if (record.userNamespace.mode !== "container") return record.idRange;
  const join = findJoin(store, record.hostConfig);
  return join === undefined ? undefined : idRangeOf({ store }, join.target.record);
}
