/**
 * Which namespaces a container gets new, keeps from the host, or joins.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { CLONE, flags, int, type Int, type ProgramBuilder } from "../kernel/mod.ts";
import type { HostIds } from "./devices.ts";
import type { IdMapping, NamespaceType, SpecLinux } from "./spec.ts";

type CloneName = "NEWPID" | "NEWNET" | "NEWNS" | "NEWIPC" | "NEWUTS" | "NEWUSER" | "NEWCGROUP" | "NEWTIME";

const cloneNames: Readonly<Record<NamespaceType, CloneName>> = {
  pid: "NEWPID",
  network: "NEWNET",
  mount: "NEWNS",
  ipc: "NEWIPC",
  uts: "NEWUTS",
  user: "NEWUSER",
  cgroup: "NEWCGROUP",
  time: "NEWTIME",
};

/** Whether a new namespace of this type is asked for. */
export function isNew(linux: SpecLinux, type: NamespaceType): boolean {
  return linux.namespaces.some((namespace) => namespace.type === type && namespace.path === undefined);
}

/**
 * CLONE_* for the new namespaces. The cgroup namespace is left out: it must be made by the process itself once it is in
 * its cgroup, whose place it takes as its root (cgroup_namespaces(7)).
 */
export function cloneFlags(linux: SpecLinux): Int {
  return flags(CLONE, ...newNames(linux));
}

/** Those that a process must be born into; the others it can make for itself. */
const inborn: ReadonlySet<CloneName> = new Set(["NEWUSER", "NEWPID"]);

/**
 * CLONE_* in two parts: what is made with the process, and what the process makes for itself by unshare(2) while its
 * parent does something else. Making a network namespace takes longer than all others together.
 */
export function splitCloneFlags(linux: SpecLinux): { readonly born: Int; readonly made: Int | undefined } {
  const names = newNames(linux);
  const made = names.filter((name) => !inborn.has(name));
  return {
    born: flags(CLONE, ...names.filter((name) => inborn.has(name))),
    made: made.length === 0 ? undefined : flags(CLONE, ...made),
  };
}

function newNames(linux: SpecLinux): CloneName[] {
  return linux.namespaces
    .filter(({ type, path }) => path === undefined && type !== "cgroup" && type !== "time")
    .map(({ type }) => cloneNames[type]);
}

/** CLONE_* for setns(2) of the namespaces that are joined. */
export function joinFlags(types: Iterable<string>): Int {
  const names = [...types].map((type) => {
    const name = cloneNames[type as NamespaceType];
    if (name === undefined) throw failure("invalid-parameter", { message: `unknown namespace ${type}` });
    return name;
  });
  return flags(CLONE, ...names);
}

function mapped(mappings: readonly IdMapping[] | undefined, id: number, what: string): number {
  if (mappings === undefined || mappings.length === 0) return id;
  for (const { containerID, hostID, size } of mappings) {
    if (id >= containerID && id < containerID + size) return hostID + (id - containerID);
  }
  throw failure("invalid-parameter", { message: `${what} ${id} is not in the container's id range` });
}

/** What ids of the container are on the host. */
export function hostIds(linux: SpecLinux): HostIds {
  return {
    uid: (id) => mapped(linux.uidMappings, id, "uid"),
    gid: (id) => mapped(linux.gidMappings, id, "gid"),
  };
}

/** Text of /proc/PID/uid_map (user_namespaces(7)). */
export function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}

/** Adds the start of `lo` in a new network namespace (netdevice(7)). */
export function startLoopback(b: ProgramBuilder): void {
  const socket = b.slot("socket");
  b.call("open a socket", "socket", [int(2, "AF_INET"), int(0o2000002, "SOCK_DGRAM|SOCK_CLOEXEC"), 0], {
    into: socket,
  });
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode("lo"));
  new DataView(request.buffer).setUint16(16, 0x41, true);
  b.call("start the loopback interface", "ioctl", [
    socket,
    int(0x8914, "SIOCSIFFLAGS"),
    { kind: "bytes", value: request, text: '{ifr_name="lo", ifr_flags=IFF_UP|IFF_RUNNING}' },
  ]);
}
