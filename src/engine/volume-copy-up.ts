/**
 * A new volume takes what the image has at its place (Docker: "copy-up"), when its first container is made. Ids are those
 * of the image: a container with a user namespace of its own sees them mapped, in the volume as in its layers.
 * @module
 */
import { copyTree } from "../storage/mod.ts";
import type { Container } from "./container-store.ts";
import type { Services } from "./services.ts";

/** Fills the new volumes of a container that was just made. */
export async function copyUpVolumes(
  { storage, executors }: Services,
  { id, record }: Container,
): Promise<void> {
  const fresh = record.mounts.filter(({ type, copyUp }) => type === "volume" && copyUp);
  if (fresh.length === 0) return;
  const plan = storage.plan(id, record.chain);
  const session = (): ReturnType<typeof executors.session> => executors.session();
  for (const { destination, source } of fresh) await copyTree(plan, destination, source, { session });
}
