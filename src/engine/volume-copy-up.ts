/**
 * A new volume takes what the image has at its place (Docker: "copy-up"), when its first container is made. Ids are those
 * of the image: a container with a user namespace of its own sees them mapped, in the volume as in its layers.
 * @module
 */
import { copyTree } from "../storage/mod.ts";
import { failure } from "../errors/mod.ts";
import type { Container } from "./container-store.ts";
import { boundFolder } from "./local-volume-options.ts";
import type { Services } from "./services.ts";

/** Fills the new volumes of a container that was just made. Throws the reason in Docker's words. */
export async function copyUpVolumes(
  { storage, executors }: Services,
  { id, record }: Container,
): Promise<void> {
  const fresh = record.mounts.filter(({ type, copyUp }) => type === "volume" && copyUp);
  if (fresh.length === 0) return;
  const plan = storage.plan(id, record.chain);
  const session = (): ReturnType<typeof executors.session> => executors.session();
  for (const { destination, source, backing } of fresh) {
    const folder = backing === undefined ? source : (boundFolder(backing) ?? source);
    try {
      await copyTree(plan, destination, folder, { session });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || backing === undefined) throw error;
      const mount = `mount ${backing.device}:${source}, flags: 0x1000: no such file or directory`;
      const why = `failed to mount local volume: ${mount}`;
      const message = `failed to populate volume: error while mounting volume '${source}': ${why}`;
      throw failure("internal", { message }, error);
    }
  }
}
