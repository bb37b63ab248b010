/**
 * Networks.
 * @module
 */
import type { Exchange } from "../exchange.ts";
import type { Route } from "../router.ts";
import { unsupported } from "./unsupported.ts";

async function list(x: Exchange): Promise<void> {
  x.json(200, await x.engine.networks.list(x.query.filters()));
}

async function inspect(x: Exchange): Promise<void> {
  x.json(200, await x.engine.networks.inspect(x.name));
}

export const networkRoutes: readonly Route[] = [
  { method: "GET", path: "/networks", handler: list },
  { method: "GET", path: "/networks/", handler: list },
  { method: "POST", path: "/networks/create", body: true, handler: unsupported("creating a network") },
  { method: "POST", path: "/networks/prune", since: 25, handler: unsupported("pruning networks") },
  { method: "GET", path: "/networks/*id", handler: inspect },
  {
    method: "POST",
    path: "/networks/*id/connect",
    body: true,
    handler: unsupported("connecting a container to a network"),
  },
  {
    method: "POST",
    path: "/networks/*id/disconnect",
    body: true,
    handler: unsupported("disconnecting a container from a network"),
  },
  { method: "DELETE", path: "/networks/*id", handler: unsupported("removing a network") },
];
