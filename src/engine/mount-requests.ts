/**
 * One mount that a client asks for, in either of Docker's spellings (`Binds` and `Mounts`), as a mount point. Pure:
 * nothing on the host is looked at.
 * @module
 */
import { posix } from "node:path";
import { failure } from "../errors/mod.ts";
import type { MountRequest } from "./container-types.ts";
import type { MountPoint } from "./container.ts";
import { tmpfsDefaults, tmpfsOptions } from "./tmpfs-options.ts";

/** A mount point, and what its volume is made with if there is none of its name. */
export interface WantedMount extends MountPoint {
  readonly creation?: VolumeCreation;
}

/** What a volume is made with by the container that first asks for it. */
export interface VolumeCreation {
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
}

const propagations: ReadonlySet<string> = new Set([
  "private",
  "rprivate",
  "shared",
  "rshared",
  "slave",
  "rslave",
]);

/** Words of a mode, in groups of which each may have one. */
const modeGroups: readonly ReadonlySet<string>[] = [
  new Set(["ro", "rw"]),
  new Set(["z", "Z"]),
  propagations,
  new Set(["nocopy"]),
  new Set(["consistent", "cached", "delegated"]),
];

/** Files of /proc that tools such as lxcfs put their own in place of; everything else there is the kernel's. */
const procFiles: ReadonlySet<string> = new Set(
  ["cpuinfo", "diskstats", "loadavg", "meminfo", "net/dev", "slabinfo", "stat", "swaps", "uptime"].map(
    (name) => `/proc/${name}`,
  ),
);

/** A mount point of which nothing is said. */
export const plainMount: Omit<MountPoint, "type" | "source" | "destination"> = {
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

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

/** Go's path.Clean. */
export function cleanPath(path: string): string {
  return posix.normalize(path).replace(/(.)\/$/, "$1");
}

/** Throws Docker's text for a place in a container where nothing can be mounted. */
export function checkDestination(path: string): void {
  if (cleanPath(path) === "/") refuse("invalid specification: destination can't be '/'");
  if (!path.startsWith("/")) refuse(`invalid mount path: '${path}' mount path must be absolute`);
}

/** Binds may be on /proc itself: what lies there is looked at when the source is. */
function checkProc({ destination, type }: MountPoint): void {
  const wholeProc = destination === "/proc" && type === "bind";
  if (/^\/proc(\/|$)/.test(destination) && !procFiles.has(destination) && !wholeProc)
    refuse(`"${destination}" cannot be mounted because it is inside /proc`);
}

/** Whether `mode` is one that `-v` knows: no unknown words, of each group at most one. */
function isMode(mode: string): boolean {
  if (mode === "") return true;
  const words = mode.split(",");
  return (
    words.every((word) => modeGroups.some((group) => group.has(word))) &&
    modeGroups.every((group) => words.filter((word) => group.has(word)).length <= 1)
  );
}

/** Throws Docker's text for a mode that isn't one. */
function checkMode(mode: string): void {
  if (!isMode(mode)) refuse(`invalid mode: ${mode}`);
}

/** Runs `body`; what it refuses is told after `what`. */
function within<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw failure("invalid-parameter", { message: `${what}: ${(error as Error).message}` }, error);
  }
}

/**
 * Reads one of `Binds`: `[source:]destination[:mode]`; a source that is no path names a volume, which is of the driver
 * `driver` if there is none yet.
 */
export function parseBind(bind: string, driver = ""): WantedMount {
  const whole = `invalid volume specification: '${bind}'`;
  const parts = bind.split(":");
  const [first = "", second = "", mode = ""] = parts;
  if (first === "" || parts.length > 3) refuse(whole);
  // A place and a mode without a source: `/x:ro`.
  if (parts.length === 2 && isMode(second)) refuse(whole);
  checkMode(mode);
  const [source, target] = parts.length === 1 ? ["", first] : [first, second];
  const words = mode.split(",");
  const type = source.startsWith("/") ? "bind" : "volume";
  const propagation = words.find((word) => propagations.has(word));
  const nocopy = words.includes("nocopy");
  const request: MountRequest = {
    Type: type,
    Source: source,
    Target: target,
    ReadOnly: words.includes("ro"),
    ...(propagation === undefined ? {} : { BindOptions: { Propagation: propagation } }),
    ...(nocopy || (driver !== "" && type === "volume")
      ? { VolumeOptions: { NoCopy: nocopy, DriverConfig: { Name: driver } } }
      : {}),
  };
  const mount = within(whole, () => mountOf(request));
  return { ...mount, mode, mustExist: false };
}

const optionTypes = { BindOptions: "bind", VolumeOptions: "volume", TmpfsOptions: "tmpfs" } as const;

/** Reads one of `Mounts`. */
export function parseMount(request: MountRequest): WantedMount {
  const { Type, ReadOnly = false, BindOptions } = request;
  for (const [options, type] of Object.entries(optionTypes)) {
    if (Type !== type && isGiven(request[options as keyof typeof optionTypes]))
      refuse(`${options} must not be specified on mount type ${JSON.stringify(Type ?? "")}`);
  }
  const mount = mountOf(request);
  const conflict = (what: string): never => refuse(`mount options conflict: ${what}`);
  const { ReadOnlyNonRecursive: plain, ReadOnlyForceRecursive: forced } = BindOptions ?? {};
  if (plain === true && !ReadOnly) conflict("!ReadOnly && BindOptions.ReadOnlyNonRecursive");
  if (forced === true && !ReadOnly) conflict("!ReadOnly && BindOptions.ReadOnlyForceRecursive");
  if (forced === true && plain === true)
    conflict("ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive");
  if (forced === true && mount.propagation !== "rprivate")
    conflict("Propagation must be rprivate for BindOptions.ReadOnlyForceRecursive");
  return mount;
}

const isGiven = (options: object | null | undefined): boolean => options !== undefined && options !== null;

/** The rules that both spellings share. */
function mountOf(request: MountRequest): WantedMount {
  const { Type = "", Target = "", BindOptions, VolumeOptions, ImageOptions } = request;
  return within(`invalid mount config for type "${Type}"`, () => {
    if (Target === "") refuse("field Target must not be empty");
    checkDestination(Target);
    const without = (name: string, value: object | null | undefined): void => {
      if (isGiven(value)) refuse(`field ${name} must not be specified`);
    };
    if (Type !== "bind") without("BindOptions", BindOptions);
    if (Type === "bind" || Type === "image") without("VolumeOptions", VolumeOptions);
    if (Type !== "image") without("ImageOptions", ImageOptions);
    const mount = readers[Type]?.(request, cleanPath(Target)) ?? refuse("mount type unknown");
    checkProc(mount);
    return mount;
  });
}

const readers: Readonly<
  Record<string, ((request: MountRequest, destination: string) => WantedMount) | undefined>
> = { bind: bindMount, volume: volumeMount, tmpfs: tmpfsMount, image: imageMount };

function bindMount(
  { Source = "", ReadOnly = false, BindOptions }: MountRequest,
  destination: string,
): WantedMount {
  if (Source === "") refuse("field Source must not be empty");
  const propagation = BindOptions?.Propagation ?? "";
  if (propagation !== "" && !propagations.has(propagation))
    refuse(`invalid propagation mode: ${propagation}`);
  if (!Source.startsWith("/")) refuse(`invalid mount path: '${Source}' mount path must be absolute`);
  return {
    ...plainMount,
    type: "bind",
    source: cleanPath(Source),
    destination,
    writable: !ReadOnly,
    propagation: propagation || "rprivate",
    recursive: BindOptions?.NonRecursive !== true,
    recursiveReadOnly: ReadOnly && BindOptions?.ReadOnlyNonRecursive !== true,
    mustExist: BindOptions?.CreateMountpoint !== true,
  };
}

/** A path inside of a volume or an image, without detours; undefined: the whole. */
function subpathOf(path: string | undefined): { readonly subpath?: string } {
  if (path === undefined || path === "") return {};
  const clean = cleanPath(path);
  if (path.startsWith("/") || clean === ".." || clean.startsWith("../"))
    refuse("subpath must be a relative path within the volume");
  return clean === "." ? {} : { subpath: clean };
}

function volumeMount(
  { Source = "", ReadOnly = false, VolumeOptions }: MountRequest,
  destination: string,
): WantedMount {
  const { Subpath: subpath, NoCopy, Labels, DriverConfig } = VolumeOptions ?? {};
  const anonymous = Source === "";
  if (anonymous && subpath !== undefined && subpath !== "")
    refuse("must not set Subpath when using anonymous volumes");
  const inner = subpathOf(subpath);
  if (anonymous && ReadOnly) refuse("must not set ReadOnly mode when using anonymous volumes");
  const driver = DriverConfig?.Name ?? "";
  return {
    ...plainMount,
    type: "volume",
    ...(anonymous ? {} : { name: Source }),
    source: "",
    destination,
    ...(driver === "" ? {} : { driver }),
    writable: !ReadOnly,
    anonymous,
    copyUp: NoCopy !== true && inner.subpath === undefined,
    ...inner,
    creation: { labels: Labels ?? {}, options: DriverConfig?.Options ?? {} },
  };
}

function tmpfsMount(
  { Source = "", ReadOnly = false, TmpfsOptions }: MountRequest,
  destination: string,
): WantedMount {
  if (Source !== "") refuse("field Source must not be specified");
  return {
    ...plainMount,
    type: "tmpfs",
    source: "",
    destination,
    writable: !ReadOnly,
    tmpfsOptions: [...tmpfsDefaults, ...tmpfsOptions(TmpfsOptions ?? {}, ReadOnly)],
  };
}

function imageMount({ Source = "", ImageOptions }: MountRequest, destination: string): WantedMount {
  if (Source === "") refuse("field Source must not be empty");
  return {
    ...plainMount,
    type: "image",
    name: Source,
    source: "",
    destination,
    writable: false,
    propagation: "rprivate",
    ...subpathOf(ImageOptions?.Subpath),
  };
}

/** Reads one of `VolumesFrom`: `container[:mode]`. */
export function parseVolumesFrom(spec: string): { readonly container: string; readonly writable: boolean } {
  if (spec === "") refuse("volumes-from specification cannot be an empty string");
  const colon = spec.indexOf(":");
  const mode = colon === -1 ? "" : spec.slice(colon + 1);
  const words = mode.split(",");
  checkMode(mode);
  if (words.some((word) => propagations.has(word) || word === "nocopy")) refuse(`invalid mode: ${mode}`);
  return { container: colon === -1 ? spec : spec.slice(0, colon), writable: !words.includes("ro") };
}
