/**
 * The native binary: built into the executable as a file, laid down where it can be executed.
 * @module
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import embedded from "../../native/build/caisson-native" with { type: "file" };

/**
 * Writes the native binary to `directory` and returns its path. It re-executes itself from a sealed memfd, so this file
 * is never what a process that enters a container runs from.
 */
export function installNativeBinary(directory: string): string {
  const path = join(directory, "caisson-native");
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, readFileSync(embedded), { mode: 0o700 });
  chmodSync(temporary, 0o700);
  renameSync(temporary, path);
  return path;
}
