/**
 * What Docker's API has and this engine doesn't: each says so by name, swarm's routes as an engine without a swarm.
 * @module
 */
import { failure, goQuoted } from "../../errors/mod.ts";
import type { Exchange } from "../exchange.ts";
import { readJson } from "../request.ts";
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

/** What an engine without a swarm says to whoever asks for what a manager does. */
export const notManager: Handler = unavailable(
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
);

/** Nothing of Docker's experimental features is there, so each is disabled in Docker's words. */
const experimental: Handler = () => {
  throw failure("experimental", {});
};

function invalid(message: string): never {
  throw failure("invalid-parameter", { message });
}

/** Reads the body, as dockerd does before it asks whether there is a swarm. */
const withBody: Handler = async (x) => {
  await readJson(x, true);
  await notManager(x);
};

/** Of an update the version of what is updated is read too; `complaint` makes Docker's text of a bad one. */
function updating(complaint: (version: string, reason: string) => string): Handler {
  return async (x) => {
    await readJson(x, true);
    const version = x.query.text("version");
    if (!/^\d+$/.test(version)) {
      const reason = `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`;
      invalid(complaint(version, reason));
    }
    for (const flag of ["rotateWorkerToken", "rotateManagerToken", "rotateManagerUnlockKey"])
      x.query.strictFlag(flag, (value) => `invalid value for ${flag}: ${value}`);
    await notManager(x);
  };
}

const called =
  (kind: string) =>
  (version: string, reason: string): string =>
    `invalid ${kind} version '${version}': ${reason}`;
const unnamed = (kind: string) => (): string => `invalid ${kind} version`;

const listing: Handler = (x) => {
  x.query.filters();
  x.query.strictFlag("status");
  return notManager(x);
};

const inspecting: Handler = (x) => {
  x.query.strictFlag("insertDefaults");
  return notManager(x);
};

const swarmLogs: Handler = (x) => {
  if (!x.query.flag("stdout") && !x.query.flag("stderr"))
    throw failure("invalid-parameter", { message: "Bad parameters: you must choose at least one stream" });
  return notManager(x);
};

const pluginFilters = new Set(["capability", "enabled"]);

function noPlugins(x: Exchange): void {
  for (const name of x.query.filters().keys())
    if (!pluginFilters.has(name)) throw failure("invalid-filter", { name });
  x.json(200, []);
}

function noSuchPlugin(x: Exchange): void {
  throw failure("not-found", { message: `plugin ${goQuoted(x.name)} not found` });
}

const enabling: Handler = (x) => {
  const timeout = x.query.text("timeout");
  if (!/^[+-]?\d+$/.test(timeout))
    throw failure("invalid-parameter", {
      message: `strconv.Atoi: parsing ${JSON.stringify(timeout)}: invalid syntax`,
    });
  noSuchPlugin(x);
};

const setting: Handler = async (x) => {
  await readJson(x, true);
  noSuchPlugin(x);
};

/** Without a builder nothing is in its cache: `docker system prune` asks for it to be emptied. */
const emptyBuildCache: Handler = (x) => {
  x.query.filters();
  x.json(200, { CachesDeleted: null, SpaceReclaimed: 0 });
};

function row(method: Route["method"], path: string, handler: Handler): Route {
  return { method, path, handler, body: true };
}

/** Objects of a swarm, which have the same routes: list, create, inspect, update, remove. */
function swarmObjects(kind: string, version: (version: string, reason: string) => string): Route[] {
  return [
    row("GET", `/${kind}`, listing),
    row("POST", `/${kind}/create`, withBody),
    row("GET", `/${kind}/:id`, inspecting),
    row("POST", `/${kind}/:id/update`, updating(version)),
    row("DELETE", `/${kind}/:id`, notManager),
  ];
}

export const unsupportedRoutes: readonly Route[] = [
  row("GET", "/swarm", notManager),
  row("POST", "/swarm/init", unsupported("swarm mode")),
  row("POST", "/swarm/join", unsupported("swarm mode")),
  row("POST", "/swarm/leave", unavailable("This node is not part of a swarm")),
  row("POST", "/swarm/update", updating(called("swarm"))),
  row("GET", "/swarm/unlockkey", notManager),
  row("POST", "/swarm/unlock", withBody),
  ...swarmObjects("services", called("service")),
  row("GET", "/services/:id/logs", swarmLogs),
  ...swarmObjects("secrets", unnamed("secret")),
  ...swarmObjects("configs", unnamed("config")),
  row("GET", "/nodes", listing),
  row("GET", "/nodes/:id", notManager),
  row("DELETE", "/nodes/:id", notManager),
  row("POST", "/nodes/:id/update", updating(called("node"))),
  row("GET", "/tasks", listing),
  row("GET", "/tasks/:id", notManager),
  row("GET", "/tasks/:id/logs", swarmLogs),

  row("GET", "/plugins", noPlugins),
  row("GET", "/plugins/privileges", unsupported("installing a plugin")),
  row("POST", "/plugins/pull", unsupported("installing a plugin")),
  row("POST", "/plugins/create", unsupported("creating a plugin")),
  row("GET", "/plugins/*name/json", noSuchPlugin),
  row("POST", "/plugins/*name/enable", enabling),
  row("POST", "/plugins/*name/disable", noSuchPlugin),
  row("POST", "/plugins/*name/push", noSuchPlugin),
  row("POST", "/plugins/*name/upgrade", noSuchPlugin),
  row("POST", "/plugins/*name/set", setting),
  row("DELETE", "/plugins/*name", noSuchPlugin),

  row("POST", "/build", unsupported("building images")),
  row("POST", "/build/prune", emptyBuildCache),
  row("POST", "/build/cancel", unsupported("cancelling a build")),
  row("POST", "/session", unsupported("BuildKit's session")),
  row("POST", "/grpc", unsupported("BuildKit's gRPC interface")),

  row("GET", "/containers/*name/checkpoints", experimental),
  row("POST", "/containers/*name/checkpoints", experimental),
  row("DELETE", "/containers/*name/checkpoints/:checkpoint", experimental),
];
