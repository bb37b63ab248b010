/**
 * The table of all routes.
 * @module
 */
import { Router } from "../router.ts";
import { containerStreamRoutes } from "./container-streams.ts";
import { containerRoutes } from "./containers.ts";
import { execRoutes } from "./exec.ts";
import { explainRoutes } from "./explain.ts";
import { fileRoutes } from "./files.ts";
import { imageRoutes } from "./images.ts";
import { networkRoutes } from "./networks.ts";
import { systemRoutes } from "./system.ts";
import { unsupportedRoutes } from "./unsupported.ts";
import { volumeRoutes } from "./volumes.ts";

/** The router of the whole API. */
export function createRouter(): Router {
  return new Router([
    ...systemRoutes,
    ...containerStreamRoutes,
    ...containerRoutes,
    ...execRoutes,
    ...fileRoutes,
    ...imageRoutes,
    ...volumeRoutes,
    ...networkRoutes,
    ...explainRoutes,
    ...unsupportedRoutes,
  ]);
}
