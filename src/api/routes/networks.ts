/**
 * Networks.
 * @module
 */
import { isFailure } from "../../errors/mod.ts";
import type { Exchange } from "../exchange.ts";
import { readJson } from "../request.ts";
import type { Route } from "../router.ts";

async function list(x: Exchange): Promise<void> {
  const found = await x.engine.networks.list(x.query.filters());
  if (x.version >= 28) return x.json(200, found);
  // Older versions saw who is on each network here too.
  const whole = found.map((network) =>
    x.engine.networks
      .inspect(String(network["Id"]), { verbose: false, scope: "" })
      .catch((error: unknown) => {
        if (isFailure(error, "no-such-network")) return network;
        throw error;
      }),
  );
  x.json(200, await Promise.all(whole));
}

async function inspect(x: Exchange): Promise<void> {
  const options = { verbose: x.query.strictFlag("verbose"), scope: x.query.text("scope") };
  x.json(200, await x.engine.networks.inspect(x.name, options));
}

async function create(x: Exchange): Promise<void> {
  const { readNetworkBody } = await import("../schemas.ts");
  const body = readNetworkBody(await readJson(x, true));
  // Before 1.48 every network had IPv4.
  const { EnableIPv4: _, ...older } = body;
  x.json(201, await x.engine.networks.create(x.version < 48 ? older : body));
}

async function remove(x: Exchange): Promise<void> {
  await x.engine.networks.remove(x.name);
  x.empty(204);
}

async function connect(x: Exchange): Promise<void> {
  const { readConnectBody } = await import("../schemas.ts");
  const body = readConnectBody(await readJson(x, true));
  // Priorities came with 1.48.
  const { GwPriority: _, ...older } = body.EndpointConfig ?? {};
  const asked = x.version < 48 && body.EndpointConfig ? { ...body, EndpointConfig: older } : body;
  await x.engine.networks.connect(x.name, asked);
  x.empty(200);
}

async function disconnect(x: Exchange): Promise<void> {
  const { readDisconnectBody } = await import("../schemas.ts");
  await x.engine.networks.disconnect(x.name, readDisconnectBody(await readJson(x, true)));
  x.empty(200);
}

async function prune(x: Exchange): Promise<void> {
  x.json(200, await x.engine.networks.prune(x.query.filters()));
}

export const networkRoutes: readonly Route[] = [
  { method: "GET", path: "/networks", handler: list },
  { method: "GET", path: "/networks/", handler: list },
  { method: "POST", path: "/networks/create", body: true, handler: create },
  { method: "POST", path: "/networks/prune", handler: prune },
  { method: "GET", path: "/networks/*id", handler: inspect },
  { method: "POST", path: "/networks/*id/connect", body: true, handler: connect },
  { method: "POST", path: "/networks/*id/disconnect", body: true, handler: disconnect },
  { method: "DELETE", path: "/networks/*id", handler: remove },
];
