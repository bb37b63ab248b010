/**
 * Whether a container gets a user namespace of its own: by default it does, so that its root is nobody on the host.
 * `inspect` shows the choice and its reason (docs/decisions/user-namespaces.md).
 * @module
 */
import type { HostConfig } from "./container-types.ts";
import type { UserNamespaceChoice } from "./container.ts";

export interface UserNamespaceFacts {
  /** The engine's own setting (`caisson daemon --userns`). */
  readonly byDefault: "auto" | "host";
  /** Why layers can't be mapped on this host; undefined if they can. */
  readonly unmappableLayers?: string;
  /** A source of a bind or volume that can't be mapped, and why. */
  readonly unmappableSource?: { readonly source: string; readonly reason: string };
  /** The container whose namespaces are joined has a user namespace of its own. */
  readonly joinsPrivate?: boolean;
}

/** Decides. The first reason that holds is the one that is given. */
export function chooseUserNamespace(host: HostConfig, facts: UserNamespaceFacts): UserNamespaceChoice {
  const keep = (reason: string): UserNamespaceChoice => ({ mode: "host", reason });
  if (facts.joinsPrivate !== undefined) {
    return facts.joinsPrivate
      ? { mode: "container", reason: "it joins namespaces of a container that has its own" }
      : keep("it joins namespaces of a container that has none of its own");
  }
  if (host.UsernsMode === "host") return keep("--userns=host");
  if (host.Privileged) return keep("--privileged");
  const shared = [
    ["--network=host", host.NetworkMode],
    ["--pid=host", host.PidMode],
    ["--ipc=host", host.IpcMode],
    ["--uts=host", host.UTSMode],
  ].find(([, mode]) => mode === "host");
  if (shared?.[0] !== undefined) return keep(shared[0]);
  if (facts.byDefault === "host") return keep("the engine was started with --userns=host");
  if (facts.unmappableLayers !== undefined) return keep(`layers can't be mapped: ${facts.unmappableLayers}`);
  if (facts.unmappableSource !== undefined) {
    const { source, reason } = facts.unmappableSource;
    return keep(`${source} can't be mapped: ${reason}`);
  }
  return { mode: "private", reason: "default" };
}
