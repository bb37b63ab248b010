/**
 * Events of containers, with the attributes that Docker gives them.
 * @module
 */
import type { Container } from "./container-store.ts";
import type { Services } from "./services.ts";

/** Publishes that something happened to a container. */
export function publishContainer(
  { events }: Services,
  action: string,
  container: Container,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const { config } = container.record;
  events.publish({
    Type: "container",
    Action: action,
    Actor: {
      ID: container.id,
      Attributes: { ...config.Labels, ...attributes, image: config.Image, name: container.name },
    },
  });
}

/** Publishes that a container's volumes are in use now, or no longer. */
export function publishVolumes(
  { events }: Services,
  action: "mount" | "unmount",
  container: Container,
): void {
  for (const { type, name = "", driver = "local", destination, writable } of container.record.mounts) {
    if (type !== "volume") continue;
    const use = { destination, propagation: "", "read/write": String(writable) };
    const Attributes = { container: container.id, driver, ...(action === "mount" ? use : {}) };
    events.publish({ Type: "volume", Action: action, Actor: { ID: name, Attributes } });
  }
}
