/**
 * Node's modules that cost a command milliseconds (fs 3, path 3, tty 8, net 12), loaded when one of them is really used.
 * @module
 */
import type * as NodeFs from "node:fs";
import type * as NodePath from "node:path";
import type * as NodeTty from "node:tty";

/** node:fs */
export function fs(): typeof NodeFs {
  return process.getBuiltinModule("node:fs");
}

/** node:path */
export function path(): typeof NodePath {
  return process.getBuiltinModule("node:path");
}

/** node:tty */
export function tty(): typeof NodeTty {
  return process.getBuiltinModule("node:tty");
}
