/**
 * Whether a bind's source can do what its propagation promises: mount events go between a container and the host only
 * where the source's own mount shares them.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { MountPoint } from "./container.ts";
import { parseMountinfo, type HostMount } from "./host-mounts.ts";
import type { FoundPaths } from "./host-paths.ts";

/** The mount that `path` lies in: the deepest one, of several at one place the last. */
function mountOf(path: string, table: readonly HostMount[]): HostMount | undefined {
  const above = table.filter(({ point }) => point === "/" || path === point || path.startsWith(`${point}/`));
  return above.reduce<HostMount | undefined>(
    (best, mount) => (best === undefined || mount.point.length >= best.point.length ? mount : best),
    undefined,
  );
}

/**
 * Throws, in Docker's words, for a bind that wants more than its source's mount gives.
 * @param found what is at their sources; what is missing is told by the program that starts the container
 * @param mountinfo reads /proc/self/mountinfo; only called if it matters
 */
export function checkPropagation(
  mounts: readonly MountPoint[],
  found: FoundPaths,
  mountinfo: () => string,
): void {
  let table: readonly HostMount[] | undefined;
  for (const { type, source, propagation } of mounts) {
    const wanted = /^r?(shared|slave)$/.exec(propagation)?.[1];
    if (type !== "bind" || wanted === undefined) continue;
    table ??= parseMountinfo(mountinfo());
    const mount = mountOf(found.get(source)?.path ?? source, table);
    if (mount === undefined || mount.shared || (wanted === "slave" && mount.slave)) continue;
    const kind = wanted === "shared" ? "shared" : "shared or slave";
    const message = `path ${source} is mounted on ${mount.point} but it is not a ${kind} mount`;
    throw failure("invalid-parameter", { message });
  }
}
