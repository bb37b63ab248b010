/**
 * How a container's first process, or an exec's, gets into its cgroup.
 *
 * Moving another process by cgroup.procs takes a lock that all forks and exits of the host read: the kernel waits for an
 * RCU grace period first, which is 0.1 ms where they are expedited and 10 ms or more where they aren't. Two ways don't
 * take it: a child that is born in the cgroup (version 2, CLONE_INTO_CGROUP), and a process of one thread that writes 0
 * to `tasks` (version 1, since Linux 5.12). The latter may be in a new user namespace already, but not yet be another
 * user: the kernel asks whether it was root who opened the file.
 * @module
 */
import {
  close,
  CWD,
  flags,
  O,
  open,
  text,
  write,
  type ProgramBuilder,
  type Result,
  type Slot,
} from "../kernel/mod.ts";
import { cgroupMagic } from "./limit-writer.ts";
import type { Cgroup, CreatedCgroup, Entrance } from "./types.ts";

/** Opens the entrance, in the program of whoever makes the child. */
export function openEntrance(b: ProgramBuilder, cgroup: Cgroup | CreatedCgroup): Entrance {
  if ("directory" in cgroup && cgroup.directory !== undefined) return { slot: cgroup.directory };
  const [first] = cgroup.directories;
  return first?.hierarchy.version === 2 ? { slot: openDirectory(b, first.path) } : { cgroup };
}

/** Opens the cgroup's directory of version 2. */
export function openDirectory(b: ProgramBuilder, path: string): Slot {
  const slot = b.slot("cgroup");
  open(b, "open the cgroup", CWD, path, flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"), slot);
  return slot;
}

/** Joins, at the beginning of the child's body. */
export function enter(b: ProgramBuilder, { cgroup }: Entrance): void {
  if (cgroup !== undefined) join(b, cgroup, "self");
}

/** Closes what {@link openEntrance} opened. */
export function closeEntrance(b: ProgramBuilder, { slot }: Entrance): void {
  if (slot !== undefined) close(b, slot);
}

/** Moves a process, or the one that runs the program (then it must have one thread). */
export function join(b: ProgramBuilder, cgroup: Cgroup, pid: Result | "self"): void {
  for (const { hierarchy, path } of cgroup.directories) {
    const { version, controllers } = hierarchy;
    const label = version === 2 ? "join the cgroup" : `join the cgroup in ${controllers.join(",")}`;
    const file = version === 1 && pid === "self" ? "tasks" : "cgroup.procs";
    const who = pid === "self" ? "0" : text(pid);
    write(b, label, CWD, `${path}/${file}`, who, { magic: cgroupMagic(version) });
  }
}
