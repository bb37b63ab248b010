/**
 * Cleaning up after an engine that was killed in the middle of something: whatever no row of the database names.
 * @module
 */
import { readdirSync, rmSync } from "node:fs";
import { findByName, killTree, removeTree } from "../cgroup/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { ShimConnection } from "../kernel/mod.ts";
import type { Services } from "./services.ts";

const SIGKILL = 9;

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Removes bundles, folders, snapshots and cgroups of containers that don't exist. */
export async function sweep(services: Services): Promise<void> {
  const { paths, storage, store, log } = services;
  const bundles = new Set(names(paths.bundles));
  const orphans = new Set([...bundles, ...names(paths.container("")), ...(await storage.containers())]);
  for (const id of orphans) {
    if (store.byId(id) !== undefined || !/^[0-9a-f]{64}$/.test(id)) continue;
    try {
      await endOrphan(services, id, bundles.has(id));
      rmSync(paths.bundle(id), { recursive: true, force: true });
      rmSync(paths.container(id), { recursive: true, force: true });
      await storage.remove(id);
      log.info(`removed what was left of container ${id}`);
    } catch (error) {
      log.error(`remove what was left of container ${id}: ${messageOf(error)}`);
    }
  }
}

/** Ends the process of a container that no row names. One without a bundle doesn't run. */
async function endOrphan({ paths, cgroups }: Services, id: string, bundle: boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  try {
    const shim = await ShimConnection.open(
      paths.socket(paths.bundle(id)),
      (state) => {
        if (state.phase === "exited") resolve();
      },
      resolve,
    );
    shim.signal(SIGKILL);
    await Promise.race([promise, new Promise((wake) => setTimeout(wake, 5000))]);
    shim.close();
  } catch {
    // Its shim is gone already.
  }
  // No row says what its --cgroup-parent was, and looking for it is a walk through all cgroups.
  const usual = cgroups.locate(cgroups.defaultParent, id);
  const cgroup = bundle ? await findByName(usual) : usual;
  await killTree(cgroup);
  await removeTree(cgroup);
  await cgroups.release?.(cgroup);
}
