/**
 * Sources of binds: those that Docker makes where they are missing (`-v /new:/x`: directories, owned by root), and what
 * must be true of the others.
 * @module
 */
import { existsSync, mkdirSync, statfsSync } from "node:fs";
import { failure, messageOf } from "../errors/mod.ts";
import type { ContainerRecord, MountPoint } from "./container.ts";

const PROC_SUPER_MAGIC = 0x9fa0;

/**
 * Makes what is missing and checks what is there. `--mount type=bind` wants its source to exist; the program that starts
 * it says so then.
 */
export function ensureBindSources({ mounts }: Pick<ContainerRecord, "mounts">): void {
  for (const mount of mounts) {
    const { type, source, mustExist } = mount;
    if (type !== "bind") continue;
    checkProcSource(mount);
    if (mustExist || existsSync(source)) continue;
    try {
      mkdirSync(source, { recursive: true, mode: 0o755 });
    } catch (error) {
      const message = `error while creating mount source path '${source}': ${messageOf(error)}`;
      throw failure("invalid-parameter", { message }, error);
    }
  }
}

/**
 * Over a container's /proc there may be a procfs and nothing else: programs in it, and the engine's own, believe what
 * /proc says. The admin may put the host's there.
 */
export function checkProcSource({ type, source, destination }: MountPoint): void {
  if (type !== "bind" || destination !== "/proc") return;
  if (existsSync(source) && statfsSync(source).type === PROC_SUPER_MAGIC) return;
  const message = `error mounting "${source}" to rootfs at "/proc": "/proc" cannot be mounted because it is not of type proc`;
  throw failure("invalid-parameter", { message });
}
