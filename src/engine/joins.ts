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

/** The container that is joined, and what of it. */
export interface JoinTarget {
  readonly target: Container;
  readonly namespaces: readonly ("network" | "pid" | "ipc")[];
}

/**
 * Finds what `host` joins. All of it must be of containers that share one user namespace: a process has one alone, and
 * it could do nothing in the namespaces of another.
 */
export function findJoin(store: ContainerStore, host: HostConfig): JoinTarget | undefined {
  const joined = modes.flatMap(([namespace, field]) => {
    const mode = host[field];
    if (!mode.startsWith("container:")) return [];
    return [{ namespace, target: findJoined(store, namespace, mode) }];
  });
  const first = joined[0];
  if (first === undefined) return undefined;
  const other = joined.find(({ target }) => target !== first.target);
  if (other !== undefined) {
    throw failure("not-implemented", {
      what: `joining namespaces of two containers (${first.target.name} and ${other.target.name})`,
    });
  }
  return { target: first.target, namespaces: joined.map(({ namespace }) => namespace) };
}

function findJoined(
  store: ContainerStore,
  namespace: JoinTarget["namespaces"][number],
  mode: string,
): Container {
  try {
    return store.find(mode.slice("container:".length));
  } catch (error) {
    throw namespace === "network" ? inContext("joining network namespace of container", error) : error;
  }
}

/** Throws Docker's error for what can't be joined because its container doesn't run. */
export function requireJoinable({ target, namespaces }: JoinTarget): void {
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
