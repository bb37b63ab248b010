/**
 * Containers, except for their streams.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { CreateRequest } from "../../engine/mod.ts";
import type { Exchange } from "../exchange.ts";
import { createFromVersion, updateFromVersion } from "../create-versions.ts";
import { readJson } from "../request.ts";
import type * as Schemas from "../schemas.ts";
import type { Route } from "../router.ts";
import { forVersion } from "../versions-table.ts";

let schemas: typeof Schemas | undefined;

/** What `POST /containers/create` asks for; `POST /caisson/explain/run` asks in the same way. */
export async function readCreate(x: Exchange): Promise<CreateRequest> {
  schemas ??= await import("../schemas.ts");
  const { configFields, readCreateBody } = schemas;
  const body = readCreateBody(await readJson(x));
  if (!Object.keys(body).some((field) => configFields.has(field)))
    throw failure("invalid-parameter", { message: "config cannot be empty in order to create a container" });
  // What is no name is shown as it was given.
  const name = x.query.nonEmpty("name")?.replace(/^\/(?=[a-zA-Z0-9][a-zA-Z0-9_.-]*$)/, "");
  const platform = x.version >= 41 ? x.query.nonEmpty("platform") : undefined;
  return {
    body: createFromVersion(x.version, body),
    ...(name === undefined ? {} : { name }),
    ...(platform === undefined ? {} : { platform }),
  };
}

async function create(x: Exchange): Promise<void> {
  const { Id, Warnings } = await x.engine.containers.create(await readCreate(x));
  x.json(201, { Id, Warnings });
}

async function list(x: Exchange): Promise<void> {
  const { query } = x;
  const containers = await x.engine.containers.list({
    all: query.flag("all"),
    limit: query.integer("limit") ?? 0,
    size: query.flag("size"),
    filters: query.filters(),
  });
  x.json(200, forVersion("container-list", x.version, containers));
}

async function inspect(x: Exchange): Promise<void> {
  const container = await x.engine.containers.inspect(x.name, x.query.flag("size"));
  x.json(200, forVersion("container-inspect", x.version, container));
}

async function start(x: Exchange): Promise<void> {
  const { "content-length": length, "transfer-encoding": encoding } = x.request.headers;
  // The longest that an old client sends for nothing is "null" and its line's end.
  if (encoding !== undefined || Number(length ?? 0) > 7)
    throw failure("invalid-parameter", {
      message:
        "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    });
  if (x.query.nonEmpty("checkpoint") !== undefined)
    throw failure("invalid-parameter", { message: "checkpoint is only supported in experimental mode" });
  x.empty((await x.engine.containers.start(x.name)) ? 204 : 304);
}

function stopOptions(x: Exchange): { signal?: string; timeout?: number } {
  const signal = x.version >= 42 ? x.query.nonEmpty("signal") : undefined;
  const timeout = x.query.integer("t");
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

async function stop(x: Exchange): Promise<void> {
  x.empty((await x.engine.containers.stop(x.name, stopOptions(x))) ? 204 : 304);
}

async function restart(x: Exchange): Promise<void> {
  await x.engine.containers.restart(x.name, stopOptions(x));
  x.empty(204);
}

async function kill(x: Exchange): Promise<void> {
  await x.engine.containers.kill(x.name, x.query.nonEmpty("signal") ?? "SIGKILL");
  x.empty(204);
}

async function update(x: Exchange): Promise<void> {
  const { readUpdateBody } = await import("../schemas.ts");
  const body = readUpdateBody(await readJson(x, true));
  x.json(200, await x.engine.containers.update(x.name, updateFromVersion(x.version, body)));
}

async function rename(x: Exchange): Promise<void> {
  const to = x.query.text("name").replace(/^\//, "");
  if (to === "") throw failure("invalid-parameter", { message: "Neither old nor new names may be empty" });
  await x.engine.containers.rename(x.name, to);
  x.empty(204);
}

async function pause(x: Exchange): Promise<void> {
  await x.engine.containers.pause(x.name);
  x.empty(204);
}

async function unpause(x: Exchange): Promise<void> {
  await x.engine.containers.unpause(x.name);
  x.empty(204);
}

async function top(x: Exchange): Promise<void> {
  x.json(200, await x.engine.containers.top(x.name, x.query.nonEmpty("ps_args") ?? "-ef"));
}

async function resize(x: Exchange): Promise<void> {
  const height = x.query.dimension("h", "height");
  await x.engine.containers.resize(x.name, height, x.query.dimension("w", "width"));
  x.empty(200);
}

async function remove(x: Exchange): Promise<void> {
  const { query } = x;
  await x.engine.containers.remove(x.name, {
    force: query.flag("force"),
    volumes: query.flag("v"),
    link: query.flag("link"),
  });
  x.empty(204);
}

async function prune(x: Exchange): Promise<void> {
  x.json(200, await x.engine.containers.prune(x.query.filters()));
}

export const containerRoutes: readonly Route[] = [
  { method: "GET", path: "/containers/json", handler: list },
  { method: "POST", path: "/containers/create", body: true, handler: create },
  { method: "POST", path: "/containers/prune", handler: prune },
  { method: "GET", path: "/containers/*name/json", handler: inspect },
  { method: "GET", path: "/containers/*name/top", handler: top },
  { method: "POST", path: "/containers/*name/start", body: true, handler: start },
  { method: "POST", path: "/containers/*name/stop", handler: stop },
  { method: "POST", path: "/containers/*name/restart", handler: restart },
  { method: "POST", path: "/containers/*name/kill", handler: kill },
  { method: "POST", path: "/containers/*name/rename", handler: rename },
  { method: "POST", path: "/containers/*name/update", body: true, handler: update },
  { method: "POST", path: "/containers/*name/pause", handler: pause },
  { method: "POST", path: "/containers/*name/unpause", handler: unpause },
  { method: "POST", path: "/containers/*name/resize", handler: resize },
  { method: "DELETE", path: "/containers/*name", handler: remove },
];
