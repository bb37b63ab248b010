/**
 * Devices of the host: what is behind the path of one, those below a folder, all of them for `--privileged`.
 * @module
 */
import { readdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { failure } from "../errors/mod.ts";
import type { DeviceMapping } from "./container-types.ts";

/** Folders of /dev that a container has its own of, and files that belong to the host's other managers (as runc). */
const left: ReadonlySet<string> = new Set([
  ".lxc",
  ".lxd-mounts",
  ".udev",
  "console",
  "fd",
  "mqueue",
  "pts",
  "shm",
]);

/** What every container's /dev has anyway. */
const usual: ReadonlySet<string> = new Set(
  ["full", "null", "ptmx", "random", "tty", "urandom", "zero"].map((name) => `/dev/${name}`),
);

/** Paths of the character and block devices below `folder`, without links and what every container has. */
export function hostDevicePaths(folder = "/dev"): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (left.has(entry.name) || usual.has(path)) return [];
    if (entry.isDirectory()) return hostDevicePaths(path);
    return entry.isCharacterDevice() || entry.isBlockDevice() ? [path] : [];
  });
}

/** Numbers, type and mode of a device file. */
export interface HostDevice {
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
}

function notGathered(path: string, why: string, cause?: unknown): Error {
  const message = `error gathering device information while adding custom device "${path}": ${why}`;
  return failure("invalid-parameter", { message }, cause);
}

function deviceOf(status: Stats): HostDevice | undefined {
  if (!status.isCharacterDevice() && !status.isBlockDevice()) return undefined;
  const { rdev, mode } = status;
  return {
    type: status.isBlockDevice() ? "b" : "c",
    major: (rdev >>> 8) & 0xfff,
    minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
    mode: mode & 0o777,
  };
}

function statusOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw notGathered(path, "no such file or directory", error);
  }
}

/** The device file at `path`, links followed. */
export function hostDevice(path: string): HostDevice {
  const device = deviceOf(statusOf(path));
  if (device === undefined) throw notGathered(path, "not a device node");
  return device;
}

/** A device as a container gets it. */
export interface MappedDevice extends HostDevice {
  /** In the container. */
  readonly path: string;
  readonly access: string;
}

/** What one of `Devices` gives to a container: the device, or all below a folder. */
export function mappedDevices(mapping: DeviceMapping): MappedDevice[] {
  const { PathOnHost: source, PathInContainer: path, CgroupPermissions } = mapping;
  const access = CgroupPermissions || "rwm";
  const status = statusOf(source);
  const device = deviceOf(status);
  if (device !== undefined) return [{ ...device, path, access }];
  const below = status.isDirectory() ? devicesBelow(realpathSync(source), path) : [];
  if (below.length === 0) throw notGathered(source, "not a device node");
  return below.map((one) => ({ ...one, access }));
}

/** Device files below a folder, without links, at the same places below `target`. */
function devicesBelow(folder: string, target: string): (HostDevice & { readonly path: string })[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const [from, to] = [join(folder, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) return devicesBelow(from, to);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    return [{ ...hostDevice(from), path: to }];
  });
}
