/**
 * `docker rm --link`: one container doesn't know another by an alias any more.
 * @module
 */
import { ProgramBuilder } from "../kernel/mod.ts";
import { addElements, removeElements } from "../network/mod.ts";
import { writeHosts } from "./container-files.ts";
import type { Container } from "./container-store.ts";
import { placesOf, type Place } from "./endpoints.ts";
import { findLink, withLinks } from "./links.ts";
import type { Services } from "./services.ts";

/** Removes the link `/web/alias`. @throws conflict for a container's own name; no-such-container */
export async function removeLink(services: Services, name: string): Promise<void> {
  const { store } = services;
  const { parent, link } = findLink(store, name);
  await parent.lock.run(async () => {
    parent.state.links = (parent.state.links ?? []).filter(({ alias }) => alias !== link.alias);
    store.save(parent);
    store.flush();
    if (!parent.running) return;
    await closeLinks(services, parent);
    await writeHosts(services, parent);
  });
}

/** The firewall has what the links of a running container open now, and no more. */
async function closeLinks(services: Services, container: Container): Promise<void> {
  const { networks, executors } = services;
  // Of its ports nothing changes.
  const bare = ({ network, endpoint }: Place): Place => ({ network, endpoint: { ...endpoint, ports: [] } });
  const before = placesOf(services, container);
  const after = withLinks(services, container, before);
  for (const { endpoint } of after) networks.store.replaceEndpoint(endpoint);
  const b = new ProgramBuilder();
  networks.host.rules(b, before.map(bare), removeElements);
  networks.host.rules(b, after.map(bare), addElements);
  const program = b.build();
  if (program.operations.length === 0) return;
  await executors.warm().run(program, { doing: `close a link of container ${container.name}` });
}
