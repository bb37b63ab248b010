/**
 * The files of containers: archives in and out of them.
 * @module
 */
import type { Readable } from "node:stream";
import { pipeline } from "node:stream";
import type { PathStat } from "../../engine/mod.ts";
import { failure } from "../../errors/mod.ts";
import { negotiateEncoding } from "../content-encoding.ts";
import type { Exchange } from "../exchange.ts";
import { readJson } from "../request.ts";
import type { Route } from "../router.ts";

function pathOf(x: Exchange): string {
  const path = x.query.text("path");
  if (path === "") throw failure("invalid-parameter", { message: "bad parameter: pathcannot be empty" });
  return path;
}

function statHeader(stat: PathStat): Record<string, string> {
  return { "X-Docker-Container-Path-Stat": Buffer.from(JSON.stringify(stat)).toString("base64") };
}

async function look(x: Exchange): Promise<void> {
  x.headers(statHeader(await x.engine.files.stat(x.name, pathOf(x))));
}

async function read(x: Exchange): Promise<void> {
  const { stat, archive } = await x.engine.files.read(x.name, pathOf(x));
  const accepted = x.request.headers["accept-encoding"];
  const coding = negotiateEncoding(Array.isArray(accepted) ? accepted.join(",") : accepted, [
    "gzip",
    "deflate",
  ]);
  const headers = { ...statHeader(stat), ...(coding === undefined ? {} : { "Content-Encoding": coding }) };
  const body = coding === undefined ? archive : await compressed(archive, coding);
  await x.stream("application/x-tar", body, false, headers);
}

/** Archives go over a socket of this host mostly, so they are compressed quickly and not well. */
async function compressed(source: Readable, coding: "gzip" | "deflate"): Promise<Readable> {
  const { createDeflateRaw, createGzip } = await import("node:zlib");
  // Go's "deflate" is without zlib's header.
  const compressor = coding === "gzip" ? createGzip({ level: 1 }) : createDeflateRaw({ level: 1 });
  // Errors and the end of either reach the other; who reads sees them.
  pipeline(source, compressor, () => undefined);
  return compressor;
}

async function write(x: Exchange): Promise<void> {
  await x.engine.files.extract(x.name, pathOf(x), x.request, {
    copyUIDGID: x.query.flag("copyUIDGID"),
    noOverwriteDirNonDir: x.query.flag("noOverwriteDirNonDir"),
  });
  x.empty(200);
}

async function changes(x: Exchange): Promise<void> {
  x.json(200, await x.engine.files.changes(x.name));
}

async function exportRoot(x: Exchange): Promise<void> {
  await x.stream("application/octet-stream", await x.engine.files.export(x.name), false);
}

async function commit(x: Exchange): Promise<void> {
  const { query } = x;
  const { readCreateBody } = await import("../schemas.ts");
  const body = await readJson(x, true);
  const config = readCreateBody(body ?? {});
  const { HostConfig: _host, NetworkingConfig: _networking, ...own } = config;
  const given = (name: string): { readonly [name: string]: string } => {
    const value = query.nonEmpty(name);
    return value === undefined ? {} : { [name === "repo" ? "repository" : name]: value };
  };
  const answer = await x.engine.files.commit(query.text("container"), {
    ...given("repo"),
    ...given("tag"),
    ...given("author"),
    ...given("comment"),
    pause: query.flag("pause", true),
    changes: query.all("changes"),
    ...(Object.keys(own).length === 0 ? {} : { config: own }),
  });
  x.json(201, answer);
}

const archive = "/containers/*name/archive";

export const fileRoutes: readonly Route[] = [
  { method: "POST", path: "/commit", handler: commit },
  { method: "HEAD", path: archive, handler: look },
  { method: "GET", path: archive, handler: read },
  { method: "PUT", path: archive, body: true, handler: write },
  { method: "GET", path: "/containers/*name/changes", handler: changes },
  { method: "GET", path: "/containers/*name/export", handler: exportRoot },
];
