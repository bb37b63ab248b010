/**
 * Sources of binds: those that Docker makes where they are missing (`-v /new:/x`: directories, owned by root), and what
 * must be true of the others.
 * @module
 */
import { existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
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
  const spread = mounts.filter(
    ({ type, propagation }) => type === "bind" && /shared|slave/.test(propagation),
  );
  if (spread.length === 0) return;
  const table = readFileSync("/proc/self/mountinfo", "utf8");
  for (const mount of spread) checkPropagation(mount, table);
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

/** Docker: mounts can travel between host and container only where the source's own mount takes part. */
function checkPropagation({ source, propagation }: MountPoint, table: string): void {
  const found = mountOf(source, table);
  if (found === undefined) return;
  const shared = /(^| )shared:/.test(found.optional);
  const slave = /(^| )master:/.test(found.optional);
  const refuse = (what: string): never => {
    throw failure("invalid-parameter", {
      message: `path ${source} is mounted on ${found.point} but it is not a ${what} mount`,
    });
  };
  if (propagation.endsWith("shared") && !shared) refuse("shared");
  if (propagation.endsWith("slave") && !shared && !slave) refuse("shared or slave");
}

/** The mount that `path` lies in, by a table in the form of /proc/self/mountinfo (proc(5)). */
function mountOf(
  path: string,
  table: string,
): { readonly point: string; readonly optional: string } | undefined {
  let best: { point: string; optional: string } | undefined;
  for (const line of table.split("\n")) {
    const [head = ""] = line.split(" - ");
    const [, , , , escaped = "", , ...optional] = head.split(" ");
    const point = escaped.replace(/\\([0-7]{3})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    const inside = point === "/" || path === point || path.startsWith(`${point}/`);
    // Of mounts on one point the last one is what is seen.
    if (point !== "" && inside && point.length >= (best?.point.length ?? 0))
      best = { point, optional: optional.join(" ") };
  }
  return best;
}
