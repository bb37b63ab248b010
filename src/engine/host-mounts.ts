/**
 * What is mounted on this host, from proc_pid_mountinfo(5): that file answers whatever the mounted file systems do.
 * @module
 */
import { readFileSync } from "node:fs";

/** A line of mountinfo. */
export interface HostMount {
  readonly point: string;
  /** Of the file system: `ext4`, `fuse.sshfs`. */
  readonly type: string;
  readonly shared: boolean;
  readonly slave: boolean;
}

/** The text of the engine's own mountinfo. */
export const readMountinfo = (): string => readFileSync("/proc/self/mountinfo", "utf8");

/** All lines of it. */
export function parseMountinfo(text: string): HostMount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parse);
}

function parse(line: string): HostMount {
  const fields = line.split(" ");
  const end = fields.indexOf("-", 6);
  const options = fields.slice(6, end);
  return {
    point: unescaped(fields[4] ?? ""),
    type: fields[end + 1] ?? "",
    shared: options.some((option) => option.startsWith("shared:")),
    slave: options.some((option) => option.startsWith("master:")),
  };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  );
}

const escaped = (char: string): string => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`;

/**
 * Whether something is mounted at `folder` or below it: then looking there may take as long as somebody else's file system
 * likes. `folder` has no links in it.
 */
export function isMountedOver(folder: string, mountinfo: string = readMountinfo()): boolean {
  // Most hosts have nothing there: then no line is looked at.
  if (!mountinfo.includes(folder.replaceAll(/[\s\\#]/g, escaped))) return false;
  return parseMountinfo(mountinfo).some(({ point }) => point === folder || point.startsWith(`${folder}/`));
}
