/**
 * Volumes.
 * @module
 */
import { failure, inContext } from "../../errors/mod.ts";
import type { Filters } from "../../engine/mod.ts";
import type { Exchange } from "../exchange.ts";
import { readJson } from "../request.ts";
import type { Route } from "../router.ts";
import { notManager } from "./unsupported.ts";

async function list(x: Exchange): Promise<void> {
  x.json(200, await x.engine.volumes.list(listFilters(x)));
}

/** Of the lists only that of volumes says whose filters are wrong. */
function listFilters(x: Exchange): Filters {
  try {
    return x.query.filters();
  } catch (error) {
    throw inContext("error reading volume filters", error);
  }
}

async function create(x: Exchange): Promise<void> {
  const { readVolumeBody } = await import("../schemas.ts");
  const body = readVolumeBody(await readJson(x, true));
  // Before 1.42 nobody knew of a swarm's volumes.
  if (x.version >= 42 && (body.ClusterVolumeSpec ?? null) !== null) return notManager(x);
  x.json(201, await x.engine.volumes.create(body));
}

async function inspect(x: Exchange): Promise<void> {
  x.json(200, await x.engine.volumes.inspect(x.name));
}

async function remove(x: Exchange): Promise<void> {
  await x.engine.volumes.remove(x.name, x.query.flag("force"));
  x.empty(204);
}

async function prune(x: Exchange): Promise<void> {
  const filters = x.query.filters();
  // Before 1.42 volumes with names were pruned too.
  x.json(
    200,
    await x.engine.volumes.prune(x.version < 42 ? new Map([...filters, ["all", ["true"]]]) : filters),
  );
}

function update(): never {
  throw failure("unavailable", {
    message: "volume update only valid for cluster volumes, but swarm is unavailable",
  });
}

export const volumeRoutes: readonly Route[] = [
  { method: "GET", path: "/volumes", handler: list },
  { method: "POST", path: "/volumes/create", body: true, handler: create },
  { method: "POST", path: "/volumes/prune", handler: prune },
  { method: "GET", path: "/volumes/*name", handler: inspect },
  { method: "PUT", path: "/volumes/*name", handler: update },
  { method: "DELETE", path: "/volumes/*name", handler: remove },
];
