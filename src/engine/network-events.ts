/**
 * Events of networks, with the attributes that Docker gives them.
 * @module
 */
import type { Endpoint, NetworkRecord } from "../network/mod.ts";
import type { Services } from "./services.ts";

/** Publishes that something happened to a network, or to a container's place on it. */
export function publishNetwork(
  { events }: Pick<Services, "events">,
  action: string,
  { id, name, driver }: Pick<NetworkRecord, "id" | "name" | "driver">,
  endpoint?: Endpoint,
): void {
  const Attributes = {
    ...(endpoint === undefined ? {} : { container: endpoint.container }),
    name,
    type: driver,
  };
  events.publish({ Type: "network", Action: action, Actor: { ID: id, Attributes } });
}
