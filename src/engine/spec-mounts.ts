/**
 * A container's mount points as mounts of its config.json.
 * @module
 */
import type { SpecMount } from "../runtime/mod.ts";
import type { MountPoint, VolumeBacking } from "./container.ts";
import { boundFolder } from "./local-volume-options.ts";

/** Options that a mount has, and not what is mounted. */
const attributes = /^(ro|rw|(no)?(suid|dev|exec|atime|diratime|relatime|strictatime|symfollow))$/;

/**
 * A mount point as config.json has it.
 * @param idmap whether ids are mapped by the container's user namespace
 * @param layerPaths directories of an image's layers, topmost first
 */
export function specMount(
  mount: MountPoint,
  idmap: boolean,
  layerPaths: (chain: readonly string[]) => readonly string[],
): SpecMount {
  const { destination, type, writable, image, backing } = mount;
  if (type === "tmpfs") return { destination, type, source: "tmpfs", options: mount.tmpfsOptions };
  const part = mount.subpath === undefined ? {} : { subpath: mount.subpath };
  const mapped = idmap ? ["idmap"] : [];
  if (image !== undefined) {
    // As overlayfs has it: a colon ends a path.
    const lower = layerPaths(image.chain).map((path) => path.replaceAll(/[\\:]/g, "\\$&"));
    const options = [`lowerdir=${lower.join(":")}`, "ro", "nosuid", "nodev", ...mapped];
    return { destination, type: "overlay", source: "overlay", options, ...part };
  }
  if (backing !== undefined)
    return { destination, ...backed(backing, mount.namespace, writable, mapped), ...part };
  const options = [mount.recursive ? "rbind" : "bind", mount.propagation || "rprivate"];
  if (!writable) options.push(mount.recursiveReadOnly ? "rro" : "ro");
  return { destination, type: "bind", source: mount.source, options: [...options, ...mapped], ...part };
}

/** What is mounted in place of a volume's folder. */
function backed(
  backing: VolumeBacking,
  namespace: string | undefined,
  writable: boolean,
  mapped: readonly string[],
): Omit<SpecMount, "destination"> {
  const { type, device, options } = backing;
  if (namespace !== undefined) {
    const own = options.filter((option) => attributes.test(option));
    const from = { namespace, keep: true };
    return {
      type: "bind",
      source: "/",
      from,
      options: ["bind", "rprivate", ...own, ...(writable ? [] : ["ro"]), ...mapped],
    };
  }
  const readOnly = writable ? [] : ["ro"];
  const folder = boundFolder(backing);
  if (folder === undefined) return { type, source: device, options: [...options, ...readOnly, ...mapped] };
  return { type: "bind", source: folder, options: ["rprivate", ...options, ...readOnly, ...mapped] };
}
