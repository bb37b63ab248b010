/**
 * /dev of a container: a file system of its own with the default devices of runtime-spec (config-linux.md, "Default
 * Devices") and those that the configuration adds.
 * @module
 */
import {
  attachMount,
  bytes,
  cloneTree,
  CWD,
  descriptorPath,
  flags,
  int,
  makeMount,
  mkdir,
  O,
  open,
  S,
  type Int,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";
import { components } from "./paths.ts";
import type { SpecDevice, SpecMount, SpecProcess } from "./spec.ts";
import { parseMountOptions } from "./mount-options.ts";

/** Devices that every container has. */
export const defaultDevices: readonly SpecDevice[] = [
  { type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 0o666 },
  { type: "c", path: "/dev/zero", major: 1, minor: 5, fileMode: 0o666 },
  { type: "c", path: "/dev/full", major: 1, minor: 7, fileMode: 0o666 },
  { type: "c", path: "/dev/random", major: 1, minor: 8, fileMode: 0o666 },
  { type: "c", path: "/dev/urandom", major: 1, minor: 9, fileMode: 0o666 },
  { type: "c", path: "/dev/tty", major: 5, minor: 0, fileMode: 0o666 },
];

const links: readonly (readonly [target: string, name: string])[] = [
  ["/proc/self/fd", "fd"],
  ["/proc/self/fd/0", "stdin"],
  ["/proc/self/fd/1", "stdout"],
  ["/proc/self/fd/2", "stderr"],
  ["/proc/kcore", "core"],
  ["pts/ptmx", "ptmx"],
];

/** What a uid and a gid of the container are on the host. */
export interface HostIds {
  uid(id: number): number;
  gid(id: number): number;
}

/** A device number as mknod(2) takes it (the C library's makedev). */
export function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12);
}

const types = { c: "IFCHR", u: "IFCHR", b: "IFBLK", p: "IFIFO" } as const;

function makeDevice(b: ProgramBuilder, at: Slot, name: string, device: SpecDevice, ids: HostIds): void {
  const type = flags(S, types[device.type]);
  const mode = device.fileMode ?? 0o666;
  const number = deviceNumber(device.major, device.minor);
  b.call(`make ${device.path}`, "mknodat", [
    at,
    name,
    int(Number(type.value) | mode, `${type.text}|0${mode.toString(8)}`),
    int(number, `makedev(${device.major}, ${device.minor})`),
  ]);
  const uid = ids.uid(device.uid ?? 0);
  const gid = ids.gid(device.gid ?? 0);
  if (uid !== 0 || gid !== 0) b.call(`give ${device.path} to its owner`, "fchownat", [at, name, uid, gid, 0]);
}

/**
 * Makes a detached /dev. Its file system belongs to the host's user namespace, so that devices work in it: a file
 * system that the container's own user namespace mounted would refuse them (user_namespaces(7)).
 */
export function makeDev(
  b: ProgramBuilder,
  mount: SpecMount,
  devices: readonly SpecDevice[],
  ids: HostIds,
  context: Slot,
  into: Slot,
): void {
  const options = parseMountOptions(mount.destination, mount.options ?? []);
  const given = options.data.filter(([key]) => key !== "uid" && key !== "gid");
  const owner: (readonly [string, string])[] = [
    ["uid", String(ids.uid(0))],
    ["gid", String(ids.gid(0))],
  ];
  makeMount(
    b,
    "make /dev",
    { type: "tmpfs", options: [["source", "tmpfs"], ...given, ...owner], attributes: options.set },
    context,
    into,
  );
  // fsmount's descriptor is O_PATH; files are made through it all the same.
  const made = new Set<string>();
  for (const device of devices) {
    const parts = components(device.path);
    if (parts[0] !== "dev" || parts.length < 2) continue;
    const inside = parts.slice(1);
    for (let depth = 1; depth < inside.length; depth++) {
      const directory = inside.slice(0, depth).join("/");
      if (!made.has(directory)) mkdir(b, `make /dev/${directory}`, into, directory, 0o755);
      made.add(directory);
    }
    makeDevice(b, into, inside.join("/"), device, ids);
  }
  for (const [target, name] of links)
    b.call(`link /dev/${name} to ${target}`, "symlinkat", [target, into, name]);
}

/** f_type of devpts (statfs(2)). */
const DEVPTS = 0x1cd1;

/** Makes a pair of a devpts: `master` is opened by way of `path`, `slave` from the master, never by its name. */
export function makeTerminalPair(
  b: ProgramBuilder,
  at: Slot | Int,
  path: string,
  { master, slave }: { readonly master: Slot; readonly slave: Slot },
  size: SpecProcess["consoleSize"],
): void {
  const system = b.out(120);
  const how = flags(O, "RDWR", "NOCTTY", "CLOEXEC");
  open(b, "open a new terminal", at, path, how, master);
  b.call("ask what file system it is on", "fstatfs", [master, system]);
  b.composite("refuse anything but devpts", "compare", [
    { kind: "out", offset: system.offset, size: 8 },
    int(0xffffffff, "~0"),
    int(DEVPTS, "DEVPTS_SUPER_MAGIC"),
    int(18, "EXDEV"),
  ]);
  b.call("unlock it", "ioctl", [master, int(0x40045431, "TIOCSPTLCK"), bytes(new Uint8Array(4), "[0]")]);
  b.call("open its other side", "ioctl", [master, int(0x5441, "TIOCGPTPEER"), how], { into: slave });
  if (size === undefined || size.height <= 0 || size.width <= 0) return;
  const winsize = new Uint8Array(8);
  const view = new DataView(winsize.buffer);
  view.setUint16(0, size.height, true);
  view.setUint16(2, size.width, true);
  const shown = bytes(winsize, `{ws_row=${size.height}, ws_col=${size.width}}`);
  b.call("set its size", "ioctl", [master, int(0x5414, "TIOCSWINSZ"), shown]);
}

/**
 * Makes the container's terminal: a pair of its own devpts, with the slave on /dev/console too. `mount` and `console`
 * are scratch slots.
 */
export function makeTerminal(
  b: ProgramBuilder,
  root: Slot,
  terminal: { readonly master: Slot; readonly slave: Slot; readonly mount: Slot; readonly console: Slot },
  size: SpecProcess["consoleSize"],
): void {
  const { slave, mount, console } = terminal;
  makeTerminalPair(b, root, "dev/pts/ptmx", terminal, size);
  const how = flags(O, "WRONLY", "CREAT", "EXCL", "NOFOLLOW", "CLOEXEC");
  open(b, "make /dev/console", root, "dev/console", how, console, { mode: 0o600 });
  cloneTree(b, "take the terminal as a mount", CWD, descriptorPath(slave), mount);
  attachMount(b, "mount it on /dev/console", mount, console);
}
