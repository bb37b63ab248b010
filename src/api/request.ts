/**
 * What a request brings: JSON bodies under Docker's rules, forms, credentials.
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { RegistryAuth } from "../engine/mod.ts";
import { failure } from "../errors/mod.ts";
import type { Exchange } from "./exchange.ts";
import { parseBody } from "./go-json.ts";
import { mediaTypeOf, mediaTypeProblem } from "./media-type.ts";
import { readUpgradeBody } from "./upgrade-body.ts";

/** More than any configuration needs; a client that sends more is told so. */
const bodyLimit = 16 << 20;

/** Whether a body is announced: its length isn't known to be 0. */
export function hasBody(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== "0");
}

/** The whole body. Throws 400 if it is larger than any configuration. */
async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of unbroken(request)) {
    size += chunk.length;
    if (size > bodyLimit)
      throw failure("invalid-parameter", { message: `the request's body is larger than ${bodyLimit} bytes` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString();
}

/** The parts of a body. Throws 400 if the client goes before its end: nobody hears it, but it is no defect either. */
async function* unbroken(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* request as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw failure("invalid-parameter", { message: "invalid JSON: unexpected EOF" }, error);
  }
}

/** Checks that a body calls itself JSON. No Content-Type is right only without a body. */
function requireJson(request: IncomingMessage): void {
  const type = request.headers["content-type"] ?? "";
  if (type === "" && !hasBody(request)) return;
  const malformed = mediaTypeProblem(type);
  if (malformed === undefined && mediaTypeOf(type) === "application/json") return;
  const message =
    malformed === undefined
      ? `unsupported Content-Type header (${type}): must be 'application/json'`
      : `malformed Content-Type header (${type}): mime: ${malformed}`;
  throw failure("invalid-parameter", { message });
}

/** The decoded JSON body. With `optional`, no body is an empty object. Throws 400 in Docker's words. */
export async function readJson(exchange: Exchange, optional = false): Promise<unknown> {
  const { request } = exchange;
  requireJson(request);
  if (!hasBody(request)) return optional ? {} : parseBody("");
  const { inflow } = exchange;
  return parseBody(await (inflow === undefined ? readText(request) : readUpgradeBody(request, inflow)));
}

/** A form's body, if the request has one. */
export async function readForm(request: IncomingMessage): Promise<string | undefined> {
  const type = request.headers["content-type"];
  if (type === undefined || !type.toLowerCase().startsWith("application/x-www-form-urlencoded"))
    return undefined;
  return hasBody(request) ? readText(request) : undefined;
}

/** The credentials of `X-Registry-Auth`: base64url of JSON. What can't be read counts as none, as in Docker. */
export function registryAuth(request: IncomingMessage): RegistryAuth | undefined {
  const header = request.headers["x-registry-auth"];
  if (typeof header !== "string" || header === "") return undefined;
  try {
    const value = JSON.parse(Buffer.from(header, "base64url").toString()) as Record<string, unknown> | null;
    if (value === null || typeof value !== "object") return undefined;
    const { username, password, auth, identitytoken, registrytoken, serveraddress } = value;
    const entries = Object.entries({
      ...splitAuth(auth),
      // Left out, neither may hide what `auth` has.
      ...(username === undefined || username === "" ? {} : { username }),
      ...(password === undefined || password === "" ? {} : { password }),
      identitytoken,
      registrytoken,
      serveraddress,
    }).filter(([, v]) => typeof v === "string" && v !== "");
    return entries.length === 0 ? undefined : (Object.fromEntries(entries) as RegistryAuth);
  } catch {
    return undefined;
  }
}

/** The older form of credentials: base64 of `name:password`. */
function splitAuth(auth: unknown): { username?: string; password?: string } {
  if (typeof auth !== "string" || auth === "") return {};
  const text = Buffer.from(auth, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? {} : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
