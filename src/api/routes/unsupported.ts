/**
 * What Docker's API has and this engine doesn't: each says so by name, swarm's routes as an engine without a swarm.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Exchange } from "../exchange.ts";
import type { Handler, Route } from "../router.ts";

/** A handler that answers 501 and names what is missing. */
export function unsupported(what: string): Handler {
  return () => {
    throw failure("not-implemented", { what });
  };
}

function unavailable(message: string): Handler {
  return () => {
    throw failure("unavailable", { message });
  };
}

const notManager: Handler = unavailable(
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
);

function noPlugins(x: Exchange): void {
  x.json(200, []);
}

function noSuchPlugin(x: Exchange): void {
  throw failure("not-found", { message: `plugin ${JSON.stringify(x.name)} not found` });
}

function row(method: Route["method"], path: string, handler: Handler, since?: number): Route {
  return { method, path, handler, body: true, ...(since === undefined ? {} : { since }) };
}

/** Objects of a swarm, which all have the same routes: list, create, inspect, update, remove. */
function swarmObjects(kind: string, since: number): Route[] {
  return [
    row("GET", `/${kind}`, notManager, since),
    row("POST", `/${kind}/create`, notManager, since),
    row("GET", `/${kind}/:id`, notManager, since),
    row("POST", `/${kind}/:id/update`, notManager, since),
    row("DELETE", `/${kind}/:id`, notManager, since),
  ];
}

export const unsupportedRoutes: readonly Route[] = [
  row("GET", "/swarm", notManager),
  row("POST", "/swarm/init", unsupported("swarm mode")),
  row("POST", "/swarm/join", unsupported("swarm mode")),
  row("POST", "/swarm/leave", unavailable("This node is not part of a swarm")),
  row("POST", "/swarm/update", notManager),
  row("GET", "/swarm/unlockkey", notManager),
  row("POST", "/swarm/unlock", notManager),
  ...swarmObjects("services", 24),
  row("GET", "/services/:id/logs", notManager, 29),
  ...swarmObjects("secrets", 25),
  ...swarmObjects("configs", 30),
  row("GET", "/nodes", notManager),
  row("GET", "/nodes/:id", notManager),
  row("DELETE", "/nodes/:id", notManager),
  row("POST", "/nodes/:id/update", notManager),
  row("GET", "/tasks", notManager),
  row("GET", "/tasks/:id", notManager),
  row("GET", "/tasks/:id/logs", notManager, 29),

  row("GET", "/plugins", noPlugins),
  row("GET", "/plugins/privileges", unsupported("installing a plugin")),
  row("POST", "/plugins/pull", unsupported("installing a plugin")),
  row("POST", "/plugins/create", unsupported("creating a plugin")),
  row("GET", "/plugins/*name/json", noSuchPlugin),
  row("POST", "/plugins/*name/enable", noSuchPlugin),
  row("POST", "/plugins/*name/disable", noSuchPlugin),
  row("POST", "/plugins/*name/push", noSuchPlugin),
  row("POST", "/plugins/*name/upgrade", noSuchPlugin, 26),
  row("POST", "/plugins/*name/set", noSuchPlugin),
  row("DELETE", "/plugins/*name", noSuchPlugin),

  row("POST", "/build", unsupported("building images")),
  row("POST", "/build/prune", unsupported("pruning the build cache"), 31),
  row("POST", "/build/cancel", unsupported("cancelling a build"), 39),
  row("POST", "/session", unsupported("BuildKit's session")),
  row("POST", "/grpc", unsupported("BuildKit's gRPC interface"), 39),

  row("GET", "/containers/*name/attach/ws", unsupported("attaching by WebSocket")),
  row("GET", "/containers/*name/checkpoints", unsupported("listing checkpoints"), 25),
  row("POST", "/containers/*name/checkpoints", unsupported("making a checkpoint"), 25),
  row("DELETE", "/containers/*name/checkpoints/:checkpoint", unsupported("removing a checkpoint"), 25),
];
