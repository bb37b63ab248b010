/**
 * Sources of binds that Docker makes where they are missing (`-v /new:/x`): directories, owned by root.
 * @module
 */
import { existsSync, mkdirSync } from "node:fs";
import { failure, messageOf } from "../errors/mod.ts";
import type { ContainerRecord } from "./container.ts";

/** Makes what is missing. `--mount type=bind` wants its source to exist; the program that starts it says so then. */
export function ensureBindSources({ mounts }: ContainerRecord): void {
  for (const { type, source, mustExist } of mounts) {
    if (type !== "bind" || mustExist || existsSync(source)) continue;
    try {
      mkdirSync(source, { recursive: true, mode: 0o755 });
    } catch (error) {
      const message = `error while creating mount source path '${source}': ${messageOf(error)}`;
      throw failure("invalid-parameter", { message }, error);
    }
  }
}
