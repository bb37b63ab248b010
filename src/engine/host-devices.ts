/**
 * Devices of the host: what is behind the path of one, those below a folder, all of them for `--privileged`.
 * @module
 */
import { lstatSync, readdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { failure } from "../errors/mod.ts";
import type { DeviceMapping, HostConfig } from "./container-types.ts";
import { parseMountinfo, readMountinfo } from "./host-mounts.ts";
import type { HostPaths } from "./host-paths.ts";

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

/** File systems of memory, which always answer. */
const quick: ReadonlySet<string> = new Set(["devtmpfs", "tmpfs", "ramfs", "devpts", "mqueue"]);

/** Paths of the character and block devices below `folder`, without links and what every container has. */
export function hostDevicePaths(folder = "/dev", mountinfo: string = readMountinfo()): string[] {
  const slow = new Set(
    parseMountinfo(mountinfo).flatMap(({ point, type }) => (quick.has(type) ? [] : point)),
  );
  const below = (place: string): string[] =>
    readdirSync(place, { withFileTypes: true }).flatMap((entry) => {
      const path = join(place, entry.name);
      if (left.has(entry.name) || usual.has(path) || slow.has(path)) return [];
      if (entry.isDirectory()) return below(path);
      return entry.isCharacterDevice() || entry.isBlockDevice() ? [path] : [];
    });
  return below(folder);
}

/** Numbers, type and mode of a device file. */
export interface HostDevice {
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
}

/** What is at a path, links followed: a device, or the devices below a folder; neither is something else. */
export interface FoundDevice {
  readonly device?: HostDevice;
  /** With their paths from the folder on. */
  readonly below?: readonly (HostDevice & { readonly path: string })[];
}

/** What was found at paths of the host. */
export interface DeviceFiles {
  /** Undefined: nothing is there. */
  at(path: string): FoundDevice | undefined;
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

/** Looks itself, which takes as long as the file system likes: for paths that are known to be quick. */
export const directly: DeviceFiles = {
  at: (path) => {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    const device = deviceOf(status);
    if (device !== undefined) return { device };
    return status.isDirectory() ? { below: devicesBelow(realpathSync(path)) } : {};
  },
};

/** Device files below a folder, without links. */
function devicesBelow(folder: string, path = ""): (HostDevice & { readonly path: string })[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const [from, to] = [join(folder, entry.name), join(path, entry.name)];
    if (entry.isDirectory()) return devicesBelow(from, to);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    const device = deviceOf(statSync(from));
    return device === undefined ? [] : [{ ...device, path: to }];
  });
}

/** Whether the path is a device in /dev itself, where no foreign file system is asked. */
function isQuick(path: string): boolean {
  if (!/^\/dev\/[^/]+$/.test(path)) return false;
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status !== undefined && deviceOf(status) !== undefined;
}

/** Looks at the paths, by an executor where the file system may never answer. Throws `executor-lost` if it doesn't. */
export async function lookAtDevices(hostPaths: HostPaths, paths: readonly string[]): Promise<DeviceFiles> {
  const slow = paths.filter((path) => !isQuick(path));
  const found = await hostPaths.devices(slow);
  return { at: (path) => (slow.includes(path) ? found.get(path) : directly.at(path)) };
}

/** The paths of devices that a container's configuration names. */
export function namedDevices(host: HostConfig): string[] {
  const limited = [
    host.BlkioWeightDevice,
    host.BlkioDeviceReadBps,
    host.BlkioDeviceWriteBps,
    host.BlkioDeviceReadIOps,
    host.BlkioDeviceWriteIOps,
  ];
  return [
    ...(host.Devices ?? []).map(({ PathOnHost }) => PathOnHost),
    ...limited.flatMap((devices) => (devices ?? []).map(({ Path }) => Path)),
  ];
}

function notGathered(path: string, why: string): Error {
  const message = `error gathering device information while adding custom device "${path}": ${why}`;
  return failure("invalid-parameter", { message });
}

function foundAt(path: string, files: DeviceFiles): FoundDevice {
  const found = files.at(path);
  if (found === undefined) throw notGathered(path, "no such file or directory");
  return found;
}

/** The device file at `path`, links followed. */
export function hostDevice(path: string, files: DeviceFiles = directly): HostDevice {
  const { device } = foundAt(path, files);
  if (device === undefined) throw notGathered(path, "not a device node");
  return device;
}

/** A device as a container gets it. */
export interface MappedDevice extends HostDevice {
  /** In the container. */
  readonly path: string;
  readonly access: string;
}

/** What one of `Devices` gives to a container: the device, or all below a folder, at the same places. */
export function mappedDevices(mapping: DeviceMapping, files: DeviceFiles = directly): MappedDevice[] {
  const { PathOnHost: source, PathInContainer: path, CgroupPermissions } = mapping;
  const access = CgroupPermissions || "rwm";
  const { device, below = [] } = foundAt(source, files);
  if (device !== undefined) return [{ ...device, path, access }];
  if (below.length === 0) throw notGathered(source, "not a device node");
  return below.map((one) => ({ ...one, path: join(path, one.path), access }));
}
