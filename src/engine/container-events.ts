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
