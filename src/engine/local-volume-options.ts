/**
 * Options of volumes of the local driver: what is mounted in place of a folder (`type`, `device`, `o`). Pure.
 * @module
 */
import { failure, goQuoted } from "../errors/mod.ts";
import type { VolumeBacking } from "./container.ts";

type Options = Readonly<Record<string, string>>;

/** What each option can't do without. */
const needs: Readonly<Record<string, readonly string[]>> = {
  device: ["type"],
  type: ["device"],
  o: ["device", "type"],
  size: [],
};

/** Docker's sizes: `10m`, `1.5GB`. */
const sizeForm = /^\d+(\.\d+)?\s?([kKmMgGtTpP]?[iI]?[bB]?)$/;

/**
 * Checks the options of a volume that is to be made.
 * @throws invalid-parameter in Docker's words
 */
export function checkLocalOptions(name: string, options: Options): void {
  const wrong = (why: string): never => {
    throw failure("invalid-parameter", { message: `create ${name}: ${why}` });
  };
  const names = Object.keys(options).toSorted();
  const unknown = names.find((option) => !Object.hasOwn(needs, option));
  if (unknown !== undefined) wrong(`invalid option: ${goQuoted(unknown)}`);
  const { type, device = "", size } = options;
  if (type === "cifs" && URL.canParse(`smb:${device}`) && new URL(`smb:${device}`).port !== "")
    wrong("port not allowed in CIFS device URL, include 'port' in 'o='");
  if (size !== undefined) {
    if (!sizeForm.test(size)) wrong(`invalid size: '${size}'`);
    if (Number.parseFloat(size) > 0) wrong("quota size requested but no quota support");
  }
  for (const option of names) {
    const missing = needs[option]?.find((other) => !Object.hasOwn(options, other));
    if (missing !== undefined) wrong(`missing required option: ${JSON.stringify(missing)}`);
  }
}

/** What is mounted as a volume with these options; undefined: its folder. */
export function backingOf(options: Options | null): VolumeBacking | undefined {
  const { type = "", device = "", o = "" } = options ?? {};
  if (type === "" && device === "") return undefined;
  return { type, device, options: o === "" ? [] : o.split(",").filter((option) => option !== "") };
}

const bindOptions: ReadonlySet<string> = new Set(["bind", "rbind"]);

/** The folder of the host that stands behind a volume by a bind; undefined: another file system does. */
export function boundFolder({ device, options }: VolumeBacking): string | undefined {
  return options.some((option) => bindOptions.has(option)) ? device : undefined;
}

/** File systems whose files can be shown with other owners, and since which version of Linux (mount_setattr(2)). */
const mappable: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  ext4: [5, 12],
  vfat: [5, 12],
  xfs: [5, 12],
  btrfs: [5, 15],
  f2fs: [5, 18],
  erofs: [5, 19],
  tmpfs: [6, 3],
};

/**
 * Why files of a new mount of this type can't be mapped; undefined: they can. Of a kernel of this version.
 */
export function unmappableType(
  type: string,
  [major, minor]: readonly [major: number, minor: number],
): string | undefined {
  const since = mappable[type];
  if (since === undefined) return `the file system ${type} has no mapped ids`;
  const [wantedMajor, wantedMinor] = since;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
    ? undefined
    : `the file system ${type} has mapped ids since Linux ${wantedMajor}.${wantedMinor}`;
}
