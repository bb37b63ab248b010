/**
 * The mounts that a container gets, of all that a client asks for (`VolumesFrom`, `Binds`, `Mounts`, `Tmpfs`, `Volumes`):
 * which of several at one place, and which are refused. Pure: nothing on the host is looked at.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ContainerConfig, HostConfig } from "./container-types.ts";
import type { MountPoint } from "./container.ts";
import {
  checkDestination,
  cleanPath,
  parseBind,
  parseMount,
  parseVolumesFrom,
  plainMount,
  type WantedMount,
} from "./mount-requests.ts";
import { parseTmpfsFlag, tmpfsDefaults } from "./tmpfs-options.ts";

/** The mounts of the container of that name; throws Docker's error if there is none. */
export type MountsOf = (container: string) => readonly MountPoint[];

/** A mount as another container gets it by `--volumes-from`: never with more rights. Those of `--tmpfs` stay behind. */
function inherited(mount: MountPoint, writable: boolean): WantedMount {
  const allowed = mount.writable && writable;
  return {
    ...mount,
    mode: "",
    writable: allowed,
    recursiveReadOnly: mount.recursiveReadOnly || (mount.type === "bind" && mount.writable && !allowed),
    copyUp: false,
    mustExist: false,
  };
}

/** Every mount that a container gets; volumes without a name are anonymous ones still to be made. */
export function mountPoints(
  config: Pick<ContainerConfig, "Volumes">,
  host: HostConfig,
  mountsOf: MountsOf = () => [],
): WantedMount[] {
  const result = new Map<string, WantedMount>();
  for (const spec of host.VolumesFrom ?? []) {
    const { container, writable } = parseVolumesFrom(spec);
    for (const mount of mountsOf(container)) {
      if (mount.fromFlag !== true) result.set(mount.destination, inherited(mount, writable));
    }
  }
  const tmpfs = new Map(
    Object.entries(host.Tmpfs ?? {}).map(([target, options]) => {
      checkDestination(target);
      return [cleanPath(target), parseTmpfsFlag(options)];
    }),
  );
  const given = new Set<string>();
  const add = (mount: WantedMount): void => {
    const { destination } = mount;
    if (given.has(destination)) duplicate(destination);
    given.add(destination);
    result.set(destination, mount);
  };
  for (const bind of host.Binds ?? []) {
    const mount = parseBind(bind, host.VolumeDriver);
    if (tmpfs.has(mount.destination)) duplicate(mount.destination);
    add(mount);
  }
  for (const request of host.Mounts ?? []) add(parseMount(request));
  for (const target of Object.keys(config.Volumes ?? {})) {
    checkDestination(target);
    const destination = cleanPath(target);
    if (result.has(destination) || tmpfs.has(destination)) continue;
    result.set(destination, {
      ...plainMount,
      type: "volume",
      source: "",
      destination,
      ...(host.VolumeDriver === "" ? {} : { driver: host.VolumeDriver }),
      anonymous: true,
      copyUp: true,
    });
  }
  for (const [destination, options] of tmpfs) {
    if (result.has(destination)) continue;
    result.set(destination, {
      ...plainMount,
      type: "tmpfs",
      source: "",
      destination,
      writable: !options.includes("ro"),
      tmpfsOptions: [...tmpfsDefaults, ...options],
      fromFlag: true,
    });
  }
  return [...result.values()];
}

function duplicate(destination: string): never {
  throw failure("invalid-parameter", { message: `Duplicate mount point: ${destination}` });
}
