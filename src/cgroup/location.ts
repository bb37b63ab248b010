/**
 * Where a container's cgroup lies, for both drivers.
 * @module
 */
import { posix } from "node:path";
import { failure } from "../errors/mod.ts";
import type { Cgroup, CgroupDirectory, CgroupHost, Hierarchy } from "./types.ts";

/** The cgroup at `path` of each hierarchy: from its mount point if absolute, else from the engine's own cgroup. */
export function locateCgroup(host: CgroupHost, path: string): Cgroup {
  const absolute = path.startsWith("/");
  // `..` at the front leads nowhere: normalised as an absolute path in either case.
  const inner = posix.normalize(`/${path}`);
  const directories = host.hierarchies.map((hierarchy) =>
    directoryIn(hierarchy, absolute ? inner : posix.join(relativeBase(hierarchy), inner)),
  );
  return { path: inner, directories };
}

/**
 * Version 2 allows no processes beside child cgroups that limit: the engine's own cgroup has the engine, so that the
 * base is its parent, as with runc.
 */
function relativeBase({ version, own }: Hierarchy): string {
  return version === 2 ? posix.dirname(own) : own;
}

/** `inner` is normalised. */
function directoryIn(hierarchy: Hierarchy, inner: string): CgroupDirectory {
  const parents: string[] = [];
  let path = hierarchy.mountPoint;
  for (const name of inner.split("/")) {
    if (name === "") continue;
    if (path !== hierarchy.mountPoint) parents.push(path);
    path = path === "/" ? `/${name}` : `${path}/${name}`;
  }
  return { hierarchy, path, parents };
}

/** The directory in the hierarchy that has `controller`, if the host has it. */
export function directoryOf(cgroup: Cgroup, controller: string): string | undefined {
  return cgroup.directories.find(({ hierarchy }) => hierarchy.controllers.includes(controller))?.path;
}

/** The directory in the hierarchy that has `controller`; `limit` is what can't be set without it. */
export function directoryFor(cgroup: Cgroup, controller: string, limit: string): string {
  const directory = directoryOf(cgroup, controller);
  if (directory === undefined) throw failure("missing-controller", { limit, controller });
  return directory;
}

/** Absolute path of the cgroup in each hierarchy, by its controllers (`cpu,cpuacct`; of version 2 `""`). */
export function cgroupPaths(cgroup: Cgroup): ReadonlyMap<string, string> {
  return new Map(
    cgroup.directories.map(({ hierarchy, path }) => [
      hierarchy.version === 2 ? "" : hierarchy.controllers.join(","),
      path,
    ]),
  );
}
