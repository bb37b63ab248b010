/**
 * Snapshots: where unpacked layers and what containers write lie. The only file of this folder that others import.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Executor } from "../kernel/mod.ts";
import { Overlay2 } from "./overlay2.ts";
import type * as ContainerFiles from "./container-files.ts";
import type { CopyUpOptions } from "./copy-up.ts";
import type { TreeFile } from "./tree-files.ts";
import type { DriverOptions, RootPlan, SnapshotDriver } from "./types.ts";

export { bootId } from "./settled-layers.ts";
export { Trash } from "./trash.ts";
export { probeIdmap, probeOverlay, type Probed } from "./probe.ts";
export type { CopyUpOptions } from "./copy-up.ts";
export type { Stat } from "./stat.ts";
export type { FileChange } from "./changes.ts";
export type { TreeFile } from "./tree-files.ts";
export type { TreeEntriesOptions } from "./tree-entries.ts";
export type { ViewSession } from "./view-session.ts";
export type { DriverOptions, LayerSource, Owner, RootPlan, SnapshotDriver } from "./types.ts";

/**
 * Opens the driver `name`, or the best one of this machine, on `options.root`, which is made if it is missing.
 * Throws `not-implemented` for a driver that there isn't, `unavailable` if the file system can't hold it.
 */
export async function openStorage(name: string | undefined, options: DriverOptions): Promise<SnapshotDriver> {
  if (name !== undefined && name !== "" && name !== "overlay2")
    throw failure("not-implemented", { what: `storage driver ${name}` });
  return await Overlay2.open(options);
}

/** What is done with the files in a container's root, loaded when it is needed. */
export async function containerFiles(): Promise<typeof ContainerFiles> {
  return await import("./container-files.ts");
}

/** {@link import("./tree-files.ts").treeFiles}, loaded when it is needed. */
export async function* treeFiles(
  session: Pick<Executor, "run">,
  directory: string,
): AsyncGenerator<TreeFile, void, void> {
  const { treeFiles: list } = await import("./tree-files.ts");
  yield* list(session, directory);
}

/** {@link import("./tree-files.ts").namesIn}, loaded when it is needed. */
export async function namesIn(session: Pick<Executor, "run">, folder: string): Promise<string[] | undefined> {
  const { namesIn: list } = await import("./tree-files.ts");
  return await list(session, folder);
}

/** {@link import("./usage.ts").diskUsage}, loaded when it is needed. */
export async function diskUsage(session: () => Executor, directory: string): Promise<number> {
  const { diskUsage: measure } = await import("./usage.ts");
  return await measure(session, directory);
}

/** {@link import("./copy-up.ts").copyTree}, loaded when it is needed. */
export async function copyTree(
  plan: RootPlan,
  path: string,
  target: string,
  options: CopyUpOptions,
): Promise<boolean> {
  const { copyTree: copy } = await import("./copy-up.ts");
  return await copy(plan, path, target, options);
}
