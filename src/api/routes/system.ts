/**
 * The engine itself: ping, version, information, events, credentials, disk usage.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { DiskUsageType, EngineEvent } from "../../engine/mod.ts";
import { engineHeaders, type Exchange } from "../exchange.ts";
import { readJson } from "../request.ts";
import type { Route } from "../router.ts";
import { apiVersion, minimumApiVersion } from "../versions.ts";
import { goZeroTime } from "../query.ts";
import { forVersion } from "../versions-table.ts";

/** `Builder-Version` is absent: there is no builder. */
const pingHeaders = {
  ...engineHeaders,
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  Swarm: "inactive",
  "Content-Type": "text/plain; charset=utf-8",
};

function ping(x: Exchange): void {
  const head = x.request.method === "HEAD";
  x.response.writeHead(200, { ...pingHeaders, "Content-Length": head ? 0 : 2 });
  x.response.end(head ? undefined : "OK");
}

async function version(x: Exchange): Promise<void> {
  // Which versions of the API are spoken is the API's to say.
  const spoken = { ApiVersion: apiVersion, MinAPIVersion: minimumApiVersion };
  x.json(200, { ...(await x.engine.system.version()), ...spoken });
}

async function info(x: Exchange): Promise<void> {
  x.json(200, forVersion("info", x.version, await x.engine.system.info()));
}

/** What dockerd takes for no time. */
const noTime = /^-0*1(?:\.|$)/;

async function events(x: Exchange): Promise<void> {
  const since = x.query.time("since", noTime);
  const until = x.query.time("until", noTime);
  if (until !== undefined && (since ?? goZeroTime * 1_000_000_000n) > until)
    throw failure("invalid-parameter", {
      message: `\`since\` time (${x.query.text("since")}) cannot be after \`until\` time (${x.query.text("until")})`,
    });
  const stream = x.engine.events.subscribe({
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    filters: x.query.filters(),
    signal: x.signal,
  });
  x.begin(200, "application/json");
  await x.lines(inVersion(x.version, stream), "\n");
  x.response.end();
}

async function* inVersion(version: number, events: AsyncIterable<EngineEvent>): AsyncGenerator<object> {
  for await (const event of events) yield forVersion("event", version, event);
}

async function auth(x: Exchange): Promise<void> {
  const { readAuth } = await import("../schemas.ts");
  x.json(200, await x.engine.system.auth(readAuth(await readJson(x))));
}

const usageTypes: ReadonlySet<DiskUsageType> = new Set(["container", "image", "volume", "build-cache"]);

function isUsageType(type: string): type is DiskUsageType {
  return (usageTypes as ReadonlySet<string>).has(type);
}

async function diskUsage(x: Exchange): Promise<void> {
  const types = x.version >= 42 ? x.query.all("type") : [];
  const wrong = types.find((type) => !isUsageType(type));
  if (wrong !== undefined) throw failure("invalid-parameter", { message: `unknown object type: ${wrong}` });
  const asked = types.length === 0 ? usageTypes : new Set(types.filter(isUsageType));
  x.json(200, forVersion("disk-usage", x.version, await x.engine.system.df(asked)));
}

export const systemRoutes: readonly Route[] = [
  { method: "GET", path: "/_ping", handler: ping },
  { method: "HEAD", path: "/_ping", handler: ping },
  { method: "GET", path: "/version", handler: version },
  { method: "GET", path: "/info", handler: info },
  { method: "GET", path: "/events", handler: events },
  { method: "POST", path: "/auth", body: true, handler: auth },
  { method: "GET", path: "/system/df", handler: diskUsage },
];
