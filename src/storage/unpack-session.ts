/**
 * The session that a layer is unpacked in: its slots, and how the layer's directory becomes its root.
 * @module
 */
import { CWD, octal, open } from "../kernel/mod.ts";
import { directoryForReading } from "./directories.ts";
import type { Pipeline } from "./pipeline.ts";

/** The session's slots. */
export const sessionSlots: readonly string[] = ["layer", "directory", "file", "linked directory"];
export const ROOT = 0;
export const PARENT = 1;
export const FILE = 2;
export const LINKED = 3;

/**
 * Adds the beginning: the session's root and working directory become `directory`, in which nothing is inherited from
 * the directory above, and a mode is exactly what a call says.
 */
export function enterRoot(pipeline: Pipeline, directory: string): void {
  const { builder } = pipeline;
  const root = pipeline.slot(ROOT);
  builder.call("create files with exact modes", "umask", [0]);
  open(builder, "open the layer's directory", CWD, directory, directoryForReading, root);
  builder.call("let nothing inherit a group", "fchown", [root, 0, 0]);
  builder.call("keep others out meanwhile", "fchmod", [root, octal(0o700)]);
  builder.call("let nothing inherit an access list", "fremovexattr", [root, "system.posix_acl_default"], {
    tolerate: "any",
  });
  builder.call("go to the layer", "fchdir", [root]);
  builder.call("make it the root", "chroot", ["."]);
  pipeline.count(7);
}
