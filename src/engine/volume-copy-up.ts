/**
 * A new volume takes what the image has at its place (Docker: "copy-up"), when its first container is made.
 * @module
 */
import type { Container } from "./container-store.ts";
import type { Services } from "./services.ts";

/** Fills the new volumes of a container that was just made. */
export async function copyUpVolumes({ storage }: Services, { id, record }: Container): Promise<void> {
  const fresh = record.mounts.filter(({ type, copyUp }) => type === "volume" && copyUp);
  if (fresh.length === 0) return;
  const plan = storage.plan(id, record.chain);
  for (const { destination, source } of fresh) await storage.copyUp(plan, destination, source);
}
