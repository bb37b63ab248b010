/**
 * Images.
 * @module
 */
import type { Filters } from "../../engine/mod.ts";
import { failure } from "../../errors/mod.ts";
import type { Exchange } from "../exchange.ts";
import { kindOf } from "../body-schema.ts";
import { jsonComplaint } from "../go-json.ts";
import { answerProgress } from "../progress.ts";
import { registryAuth } from "../request.ts";
import type { Route } from "../router.ts";
import { forVersion } from "../versions-table.ts";

async function list(x: Exchange): Promise<void> {
  const { query, version } = x;
  const images = await x.engine.images.list({
    all: query.flag("all"),
    digests: query.flag("digests"),
    sharedSize: version >= 42 && query.flag("shared-size"),
    filters: listFilters(x),
  });
  x.json(200, forVersion("image-list", version, images));
}

/** Before 1.41 a name could be given apart from the filters. */
function listFilters(x: Exchange): Filters {
  const filters = x.query.filters();
  const reference = x.version < 41 ? x.query.nonEmpty("filter") : undefined;
  if (reference === undefined) return filters;
  return new Map([...filters, ["reference", [...(filters.get("reference") ?? []), reference]]]);
}

/** A platform counts since 1.32. */
function platformOf(x: Exchange): { platform?: string } {
  const platform = x.version >= 32 ? x.query.nonEmpty("platform") : undefined;
  return platform === undefined ? {} : { platform };
}

/**
 * The platform as JSON, `{"os":…,"architecture":…}`, where version 1.`since` brought it: as `os/architecture/variant`.
 * Throws 400 in dockerd's words.
 */
function jsonPlatform(x: Exchange, since: number): { platform?: string } {
  const text = x.version >= since ? x.query.nonEmpty("platform") : undefined;
  return text === undefined ? {} : { platform: parsePlatformJson(text) };
}

/** The same where a list may come one day: several are refused in dockerd's words. */
function onePlatform(x: Exchange, since: number): { platform?: string } {
  if (x.version >= since && x.query.all("platform").length > 1)
    throw failure("invalid-parameter", { message: "multiple platform parameters not supported" });
  return jsonPlatform(x, since);
}

function parsePlatformJson(text: string): string {
  const bad = (why: string): never => {
    throw failure("invalid-parameter", { message: why });
  };
  const mistyped = (value: unknown, place: string): never =>
    bad(`failed to parse platform: json: cannot unmarshal ${kindOf(value)} into Go ${place}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad(`failed to parse platform: ${jsonComplaint(text)}`);
  }
  const given = value ?? {};
  if (typeof given !== "object" || Array.isArray(given)) return mistyped(given, "value of type v1.Platform");
  const { os, architecture, variant } = given as Readonly<Record<string, unknown>>;
  const parts = Object.entries({ os, architecture, variant }).map(([name, part]) => {
    if (part === undefined || part === null) return "";
    return typeof part === "string" ? part : mistyped(part, `struct field Platform.${name} of type string`);
  });
  const whole = parts[0] !== "" && parts[1] !== "";
  return whole
    ? parts.filter((part) => part !== "").join("/")
    : bad("both OS and Architecture must be provided");
}

async function push(x: Exchange): Promise<void> {
  const tag = x.query.nonEmpty("tag");
  const auth = registryAuth(x.request);
  const work = x.engine.images.push(x.name, {
    ...jsonPlatform(x, 46),
    ...(tag === undefined ? {} : { tag }),
    ...(auth === undefined ? {} : { auth }),
    signal: x.signal,
  });
  await answerProgress(x, work);
}

async function create(x: Exchange): Promise<void> {
  const { query } = x;
  const reference = query.nonEmpty("fromImage");
  if (reference !== undefined) {
    const tag = query.nonEmpty("tag");
    const auth = registryAuth(x.request);
    const work = x.engine.images.pull(reference, {
      ...platformOf(x),
      ...(tag === undefined ? {} : { tag }),
      ...(auth === undefined ? {} : { auth }),
      signal: x.signal,
    });
    return answerProgress(x, work);
  }
  const source = query.text("fromSrc");
  const repository = query.nonEmpty("repo");
  const tag = query.nonEmpty("tag");
  const message = query.nonEmpty("message");
  const work = x.engine.images.import(source === "-" ? x.request : source, {
    ...platformOf(x),
    ...(repository === undefined ? {} : { repository }),
    ...(tag === undefined ? {} : { tag }),
    ...(message === undefined ? {} : { message }),
    changes: query.all("changes"),
  });
  await answerProgress(x, work);
}

async function load(x: Exchange): Promise<void> {
  const options = { quiet: x.query.flag("quiet", true), ...onePlatform(x, 48) };
  const work = x.engine.images.load(x.request, options);
  await answerProgress(x, work);
}

async function inspect(x: Exchange): Promise<void> {
  const { platform } = jsonPlatform(x, 49);
  // This store has one manifest of each image, as Docker's with a graph driver: there is nothing to add.
  if (platform !== undefined && x.version >= 48 && x.query.flag("manifests"))
    throw failure("invalid-parameter", {
      message: "conflicting options: manifests and platform options cannot both be set",
    });
  const image = await x.engine.images.inspect(x.name, platform);
  x.json(200, forVersion("image-inspect", x.version, image));
}

async function history(x: Exchange): Promise<void> {
  x.json(200, await x.engine.images.history(x.name, jsonPlatform(x, 48).platform));
}

async function save(x: Exchange): Promise<void> {
  const { platform } = onePlatform(x, 48);
  await x.stream("application/x-tar", await x.engine.images.save([x.name], platform), false);
}

async function saveMany(x: Exchange): Promise<void> {
  const { platform } = onePlatform(x, 48);
  await x.stream("application/x-tar", await x.engine.images.save(x.query.all("names"), platform), false);
}

async function search(x: Exchange): Promise<void> {
  const auth = registryAuth(x.request);
  const found = await x.engine.images.search({
    term: x.query.text("term"),
    limit: x.query.integer("limit", "invalid limit specified: ") ?? 0,
    filters: x.query.filters(),
    ...(auth === undefined ? {} : { auth }),
    signal: x.signal,
  });
  x.json(200, found);
}

async function distribution(x: Exchange): Promise<void> {
  const auth = registryAuth(x.request);
  const options = { ...(auth === undefined ? {} : { auth }), signal: x.signal };
  x.json(200, await x.engine.images.distribution(x.name, options));
}

async function tag(x: Exchange): Promise<void> {
  const repository = x.query.text("repo");
  // Docker looks at nothing when there is no name to give.
  if (repository === "") return x.empty(200);
  await x.engine.images.tag(x.name, repository, x.query.text("tag"));
  x.empty(201);
}

async function remove(x: Exchange): Promise<void> {
  const { query } = x;
  x.json(
    200,
    await x.engine.images.remove(x.name, {
      force: query.flag("force"),
      noprune: query.flag("noprune"),
      platforms: x.version >= 50 ? query.all("platforms").map(parsePlatformJson) : [],
    }),
  );
}

async function prune(x: Exchange): Promise<void> {
  x.json(200, await x.engine.images.prune(x.query.filters()));
}

export const imageRoutes: readonly Route[] = [
  { method: "GET", path: "/images/json", handler: list },
  { method: "POST", path: "/images/create", body: true, handler: create },
  { method: "POST", path: "/images/load", body: true, handler: load },
  { method: "POST", path: "/images/prune", handler: prune },
  { method: "GET", path: "/images/get", handler: saveMany },
  { method: "GET", path: "/images/*name/json", handler: inspect },
  { method: "GET", path: "/images/*name/history", handler: history },
  { method: "GET", path: "/images/*name/get", handler: save },
  { method: "GET", path: "/images/search", handler: search },
  { method: "GET", path: "/distribution/*name/json", handler: distribution },
  { method: "POST", path: "/images/*name/push", handler: push },
  { method: "POST", path: "/images/*name/tag", handler: tag },
  { method: "DELETE", path: "/images/*name", handler: remove },
];
