/**
 * Networks of plugins (libnetwork's remote driver): what the plugin made on the host and named in its answer is moved
 * into the container and configured there.
 * @module
 */
import { encodeMessages, netlink, newRoute, setLink } from "../../kernel/netlink/mod.ts";
import type { NetworkDriver } from "../driver.ts";
import { configureInterface, type Exits } from "../links/interface.ts";
import type { Endpoint, ForeignRoute } from "../types.ts";

/** Whether a route is the default one of its family. */
export function isDefaultRoute({ destination }: ForeignRoute): boolean {
  return destination === "0.0.0.0/0" || destination === "::/0";
}

/** By which address a foreign endpoint's packets leave; undefined: by none. */
export function foreignExit(
  { foreign }: Pick<Endpoint, "foreign">,
  isIPv6: boolean,
): { readonly via?: string } | undefined {
  const via = isIPv6 ? foreign?.gateway6 : foreign?.gateway4;
  if (via !== undefined) return { via };
  const route = foreign?.routes.find(
    (one) => isDefaultRoute(one) && one.destination.includes(":") === isIPv6,
  );
  if (route === undefined) return undefined;
  return route.via === undefined ? {} : { via: route.via };
}

function exits(endpoint: Endpoint): Exits {
  const ipv4 = endpoint.gateway4 ? foreignExit(endpoint, false) : undefined;
  const ipv6 = endpoint.gateway6 ? foreignExit(endpoint, true) : undefined;
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) };
}

/** The driver of a plugin's networks. The plugin itself is called by the engine, before and after. */
export function pluginDriver(name: string): NetworkDriver {
  return {
    name,
    check: () => ({ gateway4: true, gateway6: true }),
    up: () => [],
    down: () => [],
    link: () => undefined,
    attach: (b, _network, endpoint, { socket, sandbox }) => {
      const { foreign, interfaceIndex: newIndex } = endpoint;
      if (foreign?.link === undefined) return;
      const message = setLink({ name: foreign.link }, { namespace: sandbox, newIndex });
      netlink(b, `move ${foreign.link} into its namespace`, socket, encodeMessages([message]));
    },
    configure: (b, network, endpoint, socket) => {
      const { foreign, interface: named, interfaceIndex: index, mac } = endpoint;
      if (foreign?.link === undefined) return;
      const own = setLink({ index }, { name: named, ...(mac === "" ? {} : { mac }) });
      netlink(b, `call it ${named}`, socket, encodeMessages([own]));
      configureInterface(b, network, endpoint, exits(endpoint), socket);
      const routes = foreign.routes.filter((route) => !isDefaultRoute(route));
      if (routes.length === 0) return;
      const messages = routes.map(({ destination, via }) =>
        newRoute({ destination, index, ...(via === undefined ? {} : { via }) }),
      );
      netlink(b, "lead to what the plugin named", socket, encodeMessages(messages));
    },
  };
}
