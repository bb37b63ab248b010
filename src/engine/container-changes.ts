/**
 * What a container changed in its image's root.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { containerFiles, type FileChange, type RootPlan } from "../storage/mod.ts";
import type { Container } from "./container-store.ts";
import { idRangeOf } from "./joins.ts";
import { specMappings } from "./oci-spec.ts";
import { PatientSession } from "./patient-session.ts";
import type { Services } from "./services.ts";

/** The changes, depth first. */
export async function containerChanges(
  services: Services,
  container: Container,
): Promise<readonly FileChange[]> {
  const { executors } = services;
  const { overlayChanges } = await containerFiles();
  const doing = `look for changes of container ${container.id.slice(0, 12)}`;
  using upper = new PatientSession(executors.session(), doing);
  using image = new PatientSession(executors.session(), doing);
  const firstId = firstIdOf(services, container);
  return await overlayChanges(overlayOf(services, container), { upper, image, firstId });
}

/** The container's root, of which a driver must know what was written. */
export function overlayOf(
  { storage }: Services,
  { id, record }: Container,
): Extract<RootPlan, { kind: "overlay" }> {
  const plan = storage.plan(id, record.chain);
  if (plan.kind !== "overlay")
    throw failure("not-implemented", { what: `what changed on the storage driver ${storage.name}` });
  return plan;
}

/** The id on disk of the container's root. */
export function firstIdOf(services: Services, { record }: Container): number {
  const range = idRangeOf(services, record);
  if (record.userNamespace.mode === "host" || range === undefined) return 0;
  return specMappings(range)[0]?.hostID ?? 0;
}
