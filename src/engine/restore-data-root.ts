/**
 * What may be missing of what the database names: after a power loss, folders that were made and files that were written a
 * moment before; in a copy that somebody took while an engine worked, whatever the copy missed. It is made again, so that
 * every container and every volume can be used; what was in it is lost, and is told to be. A data root may also have
 * moved: what is known by a path below it follows.
 * @module
 */
import { statSync } from "node:fs";
import { messageOf } from "../errors/mod.ts";
import { bootId } from "../storage/mod.ts";
import { restoreFiles } from "./container-files.ts";
import type { MountPoint } from "./container.ts";
import type { Container } from "./container-store.ts";
import { rootOwner } from "./create.ts";
import type { Services } from "./services.ts";

/** The setting that says where, and in which run of the machine, an engine ran last on this data root. */
const KEY = "last-run";

/** Makes again what is missing, unless an engine ran here last, since the machine was started. */
export async function restoreDataRoot(services: Services): Promise<void> {
  const { database, store, volumes, paths, log } = services;
  const { dev, ino } = statSync(paths.dataRoot);
  const here = `${bootId()} ${dev}:${ino} ${paths.dataRoot}`;
  if (database.setting(KEY) === here) return;
  for (const name of volumes.restore()) log.warn(`the folder of volume ${name} was lost: it is empty now`);
  for (const container of store.all()) {
    followDataRoot(services, container);
    await restore(services, container).catch((error: unknown) => {
      log.error(`look for the files of container ${container.id}: ${messageOf(error)}`, { error });
    });
  }
  database.setSetting(KEY, here);
}

/** Volumes and mounted images lie below the data root. */
function followDataRoot({ store, storage, volumes }: Services, container: Container): void {
  const { record } = container;
  const here = ({ type, name, driver = "local", source, image }: MountPoint): string => {
    if (type === "volume" && driver === "local" && name !== undefined) return volumes.localPath(name);
    return (image === undefined ? undefined : storage.layerPaths(image.chain)[0]) ?? source;
  };
  const mounts = record.mounts.map((mount) => ({ ...mount, source: here(mount) }));
  if (mounts.some(({ source }, i) => source !== record.mounts[i]?.source))
    store.change(container, { ...record, mounts });
}

async function restore(services: Services, { id, record }: Container): Promise<void> {
  const { storage, log } = services;
  if (await restoreFiles(services, record)) log.warn(`files of container ${id} were lost`);
  if (await storage.restore(id, record.chain, rootOwner(services, record)))
    log.warn(`what container ${id} wrote was lost`);
}
