/**
 * A new volume takes what the image has at its place (Docker: "copy-up"), when its first container is made. Ids are those
 * of the image: a container with a user namespace of its own sees them mapped, in the volume as in its layers.
 * @module
 */
import { copyTree } from "../storage/mod.ts";
import { failure } from "../errors/mod.ts";
import { KernelError } from "../kernel/mod.ts";
import type { ContainerRecord, MountPoint } from "./container.ts";
import type { Container } from "./container-store.ts";
import { boundFolder } from "./local-volume-options.ts";
import { PatientSession } from "./patient-session.ts";
import { removeContainer } from "./removal.ts";
import type { Services } from "./services.ts";

/** The mounts of volumes that take something from the image. */
export function volumesToFill({ mounts }: ContainerRecord): MountPoint[] {
  return mounts.filter(({ type, copyUp }) => type === "volume" && copyUp);
}

/**
 * Fills the new volumes of a container that was just made, whose state says so until it is done: nobody finds a volume
 * that is filled by half. Throws the reason in Docker's words; then the container is gone.
 */
export async function fillVolumes(services: Services, container: Container): Promise<void> {
  if (container.state.filling !== true) return;
  try {
    await copyUpVolumes(services, container);
  } catch (error) {
    await undoFilling(services, container);
    throw error;
  }
  delete container.state.filling;
  services.store.save(container);
  services.store.flush();
}

/** Removes a container whose volumes weren't filled to their end; the volumes that others know are empty again. */
export async function undoFilling(services: Services, container: Container): Promise<void> {
  const { store, volumes } = services;
  for (const { name, driver = "local", backing } of volumesToFill(container.record)) {
    const users = store.all().filter(({ record }) => record.mounts.some((mount) => mount.name === name));
    if (name !== undefined && driver === "local" && backing === undefined && users.length === 1)
      await volumes.empty(name);
  }
  await removeContainer(services, container, { force: true, volumes: true });
}

async function copyUpVolumes({ storage, executors }: Services, { id, record }: Container): Promise<void> {
  const fresh = volumesToFill(record);
  const plan = storage.plan(id, record.chain);
  const session = (): PatientSession => new PatientSession(executors.session(), "fill a volume");
  for (const { destination, source, backing } of fresh) {
    const folder = backing === undefined ? source : (boundFolder(backing) ?? source);
    try {
      await copyTree(plan, destination, folder, { session });
    } catch (error) {
      if (!(error instanceof KernelError && error.errnoName === "ENOENT") || backing === undefined)
        throw error;
      const mount = `mount ${backing.device}:${source}, flags: 0x1000: no such file or directory`;
      const why = `failed to mount local volume: ${mount}`;
      const message = `failed to populate volume: error while mounting volume '${source}': ${why}`;
      throw failure("internal", { message }, error);
    }
  }
}
