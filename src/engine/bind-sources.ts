/**
 * Sources of binds: those that Docker makes where they are missing (`-v /new:/x`: directories, owned by root), and what
 * must be true of the others.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ContainerRecord, MountPoint } from "./container.ts";
import type { FoundPaths, HostPath } from "./host-paths.ts";
import { boundFolder } from "./local-volume-options.ts";
import type { Services } from "./services.ts";

/** The folder or file of the host that a mount shows, which a user has named; undefined: the engine has. */
export function hostSource({ type, source, driver = "local", backing }: MountPoint): string | undefined {
  if (type === "bind") return source;
  if (type !== "volume") return undefined;
  if (backing !== undefined) return boundFolder(backing);
  return driver === "local" || source === "" ? undefined : source;
}

/** Looks at what users have named as sources of these mounts, and at volumes in whose folder they have mounted something. */
export async function lookAtSources(
  { hostPaths, volumes }: Pick<Services, "hostPaths" | "volumes">,
  mounts: readonly MountPoint[],
): Promise<FoundPaths> {
  const mountedOver = ({ type, name, source }: MountPoint): string[] =>
    type === "volume" &&
    name !== undefined &&
    source === volumes.localPath(name) &&
    volumes.isMountedOver(name)
      ? [source]
      : [];
  return await hostPaths.look(mounts.flatMap((mount) => hostSource(mount) ?? mountedOver(mount)));
}

/**
 * Makes what is missing and checks what is there. `--mount type=bind` wants its source to exist; the program that starts
 * it says so then.
 */
export async function ensureBindSources(
  services: Pick<Services, "hostPaths" | "volumes">,
  { mounts }: Pick<ContainerRecord, "mounts">,
): Promise<void> {
  const binds = mounts.filter(({ type }) => type === "bind");
  const found = await lookAtSources(services, binds);
  for (const mount of binds) {
    const { source, mustExist } = mount;
    checkProcSource(mount, found.get(source));
    if (!mustExist && !found.has(source)) await services.hostPaths.makeFolder(source);
  }
}

/**
 * Over a container's /proc there may be a procfs and nothing else: programs in it, and the engine's own, believe what
 * /proc says. The admin may put the host's there.
 * @param found what is at the source
 */
export function checkProcSource(
  { type, source, destination }: MountPoint,
  found: Pick<HostPath, "proc"> | undefined,
): void {
  if (type !== "bind" || destination !== "/proc" || found?.proc === true) return;
  const message = `error mounting "${source}" to rootfs at "/proc": "/proc" cannot be mounted because it is not of type proc`;
  throw failure("invalid-parameter", { message });
}
