/**
 * Containers whose namespaces another one joins (`--network container:X`, `--pid container:X`, `--ipc container:X`).
 * @module
 */
import { failure, messageOf } from "../errors/mod.ts";
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
    return [{ namespace, target: store.find(mode.slice("container:".length)) }];
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

/** The same modes with the joined container's id in place of whatever it was called by. */
export function resolveModes(store: ContainerStore, host: HostConfig): HostConfig {
  const resolve = (mode: string): string => {
    if (!mode.startsWith("container:")) return mode;
    try {
      return `container:${store.find(mode.slice("container:".length)).id}`;
    } catch (error) {
      // Not as 404: clients would take it for a missing image and pull.
      throw failure("invalid-parameter", { message: messageOf(error) }, error);
    }
  };
  return {
    ...host,
    NetworkMode: resolve(host.NetworkMode),
    PidMode: resolve(host.PidMode),
    IpcMode: resolve(host.IpcMode),
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
