/**
 * Versions that the engine goes by.
 * @module
 */
import { statSync } from "node:fs";
import manifest from "../../package.json" with { type: "json" };

/** The dockerd whose behaviour is followed. */
export const dockerVersion: string = "28.5.2";

/** What clients are told: Docker's version, marked as not being dockerd. */
export const serverVersion: string = `${dockerVersion}-caisson`;

/** The newest version of the API. */
export const apiVersion: string = "1.51";

/** The oldest version of the API that is answered. */
export const minApiVersion: string = "1.24";

/** This program's own version. */
export const caissonVersion: string = manifest.version;

/**
 * Which build this is, of several that may have one version: what the file is that runs, even when another has its name by
 * now.
 */
export function buildIdentity(): string {
  const { ino, size, mtimeMs } = statSync("/proc/self/exe");
  return `${caissonVersion}-${ino}-${size}-${mtimeMs}`;
}
