/**
 * What no other engine can answer: everything that starting a container would do to the kernel.
 * @module
 */
import type { Exchange } from "../exchange.ts";
import type { Route } from "../router.ts";
import { readCreate } from "./containers.ts";

async function explainRun(x: Exchange): Promise<void> {
  x.text(200, await x.engine.containers.explain(await readCreate(x)));
}

export const explainRoutes: readonly Route[] = [
  { method: "POST", path: "/caisson/explain/run", body: true, handler: explainRun },
];
