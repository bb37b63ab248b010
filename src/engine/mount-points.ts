/**
 * The mounts that a client asks for, in all of Docker's spellings (`Binds`, `Mounts`, `Volumes`, `Tmpfs`), as mount
 * points. Pure: nothing on the host is looked at.
 * @module
 */
import { posix } from "node:path";
import { failure } from "../errors/mod.ts";
import type { ContainerConfig, HostConfig, MountRequest } from "./container-types.ts";
import type { MountPoint } from "./container.ts";

const propagations: ReadonlySet<string> = new Set([
  "private",
  "rprivate",
  "shared",
  "rshared",
  "slave",
  "rslave",
]);
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Files of /proc that tools such as lxcfs put their own in place of; everything else there is the kernel's. */
const procFiles: ReadonlySet<string> = new Set(
  ["cpuinfo", "diskstats", "loadavg", "meminfo", "net/dev", "slabinfo", "stat", "swaps", "uptime"].map(
    (name) => `/proc/${name}`,
  ),
);

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

/**
 * A destination inside the container, cleaned; `what` begins the error. Binds may be on /proc itself: what lies there is
 * looked at when the source is.
 */
function destinationOf(path: string, what: string, type: MountPoint["type"]): string {
  if (!path.startsWith("/")) refuse(`${what}: invalid mount path: '${path}' mount path must be absolute`);
  const clean = posix.normalize(path).replace(/(.)\/$/, "$1");
  const wholeProc = clean === "/proc" && type === "bind";
  if (/^\/proc(\/|$)/.test(clean) && !procFiles.has(clean) && !wholeProc) {
    refuse(`${what}: "${clean}" cannot be mounted because it is inside /proc`);
  }
  if (clean === "/") refuse(`${what}: invalid specification: destination can't be '/'`);
  return clean;
}

const configOf = (type: string): string => `invalid mount config for type "${type}"`;

const base: Omit<MountPoint, "type" | "source" | "destination"> = {
  mode: "",
  writable: true,
  propagation: "",
  recursive: true,
  recursiveReadOnly: false,
  anonymous: false,
  mustExist: false,
  copyUp: false,
  tmpfsOptions: [],
};

/** Reads one of `Binds`: `source:destination[:options]`; a source that is no path names a volume. */
export function parseBind(bind: string): MountPoint {
  const parts = bind.split(":");
  const [source = "", target = "", mode = ""] = parts;
  if (parts.length > 3 || parts.length < 2 || source === "" || target === "") {
    refuse(`invalid volume specification: '${bind}'`);
  }
  const type = source.startsWith("/") ? "bind" : "volume";
  const what = `invalid volume specification: '${bind}': ${configOf(type)}`;
  const destination = destinationOf(target, what, type);
  let writable = true;
  let propagation = "";
  let copyUp = !source.startsWith("/");
  for (const option of mode === "" ? [] : mode.split(",")) {
    if (option === "ro") writable = false;
    else if (option === "rw") writable = true;
    else if (propagations.has(option)) propagation = option;
    else if (option === "nocopy") {
      if (type === "bind") refuse(`${what}: field VolumeOptions must not be specified`);
      copyUp = false;
    } else if (!["z", "Z", "copy", "consistent", "cached", "delegated"].includes(option)) {
      refuse(`invalid mode: ${mode}`);
    }
  }
  if (source.startsWith("/")) {
    const clean = posix.normalize(source).replace(/(.)\/$/, "$1");
    return {
      ...base,
      type: "bind",
      source: clean,
      destination,
      mode,
      writable,
      propagation: propagation || "rprivate",
      recursiveReadOnly: !writable,
    };
  }
  if (!namePattern.test(source)) {
    refuse(
      `create ${source}: "${source}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  if (propagation !== "") refuse(`invalid mode: ${mode}`);
  return {
    ...base,
    type: "volume",
    name: source,
    source: "",
    destination,
    mode: mode || "z",
    writable,
    copyUp,
    driver: "local",
  };
}

/** Docker's `--tmpfs` and `Tmpfs`: its own defaults, then what was asked for. */
function tmpfs(target: string, options: readonly string[]): MountPoint {
  const destination = destinationOf(target, configOf("tmpfs"), "tmpfs");
  const defaults = ["noexec", "nosuid", "nodev"];
  const known =
    /^(rw|ro|exec|noexec|suid|nosuid|dev|nodev|sync|async|(no)?atime|(no)?diratime|(no)?relatime|(r?(private|shared|slave|unbindable))|((size|mode|uid|gid|nr_inodes|nr_blocks|mpol)=[\w:%-]+))$/;
  for (const option of options) {
    if (known.test(option)) continue;
    refuse(`invalid tmpfs option "${option.split("=", 1)[0] ?? ""}"`);
  }
  return {
    ...base,
    type: "tmpfs",
    source: "",
    destination,
    writable: !options.includes("ro"),
    tmpfsOptions: [...defaults, ...options],
  };
}

function fromRequest(request: MountRequest): MountPoint {
  const { Type, Source = "", Target, ReadOnly = false, BindOptions, VolumeOptions, TmpfsOptions } = request;
  const invalid = (reason: string): never => refuse(`${configOf(Type)}: ${reason}`);
  if (Target === undefined || Target === "") invalid("field Target must not be empty");
  if (!["bind", "volume", "tmpfs", "image"].includes(Type)) invalid("mount type unknown");
  const destination = destinationOf(Target, configOf(Type), Type === "bind" ? "bind" : "volume");
  if (Type !== "bind" && BindOptions !== undefined && BindOptions !== null)
    invalid("field BindOptions must not be specified");
  if (Type !== "volume" && VolumeOptions !== undefined && VolumeOptions !== null) {
    invalid("field VolumeOptions must not be specified");
  }
  if (Type !== "tmpfs" && TmpfsOptions !== undefined && TmpfsOptions !== null) {
    invalid("field TmpfsOptions must not be specified");
  }
  switch (Type) {
    case "bind": {
      if (Source === "") invalid("field Source must not be empty");
      if (!Source.startsWith("/")) invalid(`invalid mount path: '${Source}' mount path must be absolute`);
      const propagation = BindOptions?.Propagation ?? "";
      if (propagation !== "" && !propagations.has(propagation))
        invalid(`invalid propagation mode: ${propagation}`);
      return {
        ...base,
        type: "bind",
        source: posix.normalize(Source).replace(/(.)\/$/, "$1"),
        destination,
        writable: !ReadOnly,
        propagation: propagation || "rprivate",
        recursive: BindOptions?.NonRecursive !== true,
        recursiveReadOnly: ReadOnly && BindOptions?.ReadOnlyNonRecursive !== true,
        mustExist: BindOptions?.CreateMountpoint !== true,
      };
    }
    case "volume": {
      const driver = VolumeOptions?.DriverConfig?.Name || "local";
      if (driver !== "local") throw failure("not-implemented", { what: `the volume driver ${driver}` });
      if (Source !== "" && !namePattern.test(Source)) {
        refuse(
          `create ${Source}: "${Source}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
        );
      }
      const subpath = VolumeOptions?.Subpath;
      if (subpath !== undefined && subpath !== "")
        throw failure("not-implemented", { what: "a volume's Subpath" });
      return {
        ...base,
        type: "volume",
        ...(Source === "" ? {} : { name: Source }),
        source: "",
        destination,
        driver,
        mode: "z",
        writable: !ReadOnly,
        anonymous: Source === "",
        copyUp: VolumeOptions?.NoCopy !== true,
      };
    }
    case "tmpfs": {
      if (Source !== "") invalid("field Source must not be specified");
      const size = TmpfsOptions?.SizeBytes;
      const mode = TmpfsOptions?.Mode;
      const options = [
        ...(size === undefined || size === 0 ? [] : [`size=${size}`]),
        ...(mode === undefined || mode === 0 ? [] : [`mode=${mode.toString(8)}`]),
        ...(TmpfsOptions?.Options ?? []).map((option) => option.join("=")),
        ...(ReadOnly ? ["ro"] : []),
      ];
      return tmpfs(Target, options);
    }
    case "image":
      throw failure("not-implemented", { what: 'a mount of type "image"' });
    default:
      return invalid("mount type unknown");
  }
}

/** Every mount that a container gets; volumes without a name are anonymous ones still to be made. */
export function mountPoints(config: Pick<ContainerConfig, "Volumes">, host: HostConfig): MountPoint[] {
  const result = new Map<string, MountPoint>();
  const add = (mount: MountPoint, replace: boolean): void => {
    if (result.has(mount.destination) && !replace) refuse(`Duplicate mount point: ${mount.destination}`);
    result.set(mount.destination, mount);
  };
  for (const bind of host.Binds ?? []) add(parseBind(bind), false);
  for (const request of host.Mounts ?? []) add(fromRequest(request), false);
  for (const [target, options] of Object.entries(host.Tmpfs ?? {})) {
    add(tmpfs(target, options === "" ? [] : options.split(",")), false);
  }
  for (const target of Object.keys(config.Volumes ?? {})) {
    const destination = destinationOf(target, configOf("volume"), "volume");
    if (result.has(destination)) continue;
    result.set(destination, {
      ...base,
      type: "volume",
      source: "",
      destination,
      driver: "local",
      anonymous: true,
      copyUp: true,
    });
  }
  return [...result.values()];
}
