/**
 * Finds the handler of a request. Paths are path-to-regexp's; a table by method and first segment keeps the number of
 * expressions that are tried small, and paths without parameters need none.
 * @module
 */
import { posix } from "node:path";
import { pathToRegexp } from "path-to-regexp";
import { failure } from "../errors/mod.ts";
import type { Exchange } from "./exchange.ts";
import { newest, parseVersion } from "./versions.ts";

/** Answers a request, or throws what the answer is made from. */
export type Handler = (exchange: Exchange) => Promise<void> | void;

/** A row of the table of routes. */
export interface Route {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** `*name` matches any number of segments: names of images and containers have slashes. */
  readonly path: string;
  /** The handler reads the body itself, so a form in it isn't merged into the query. */
  readonly body?: boolean;
  readonly handler: Handler;
}

/** Where a request goes. */
export interface RouteMatch {
  readonly route: Route;
  readonly version: number;
  /** What follows the question mark. */
  readonly search: string;
  readonly captures: readonly string[];
}

interface Pattern {
  readonly route: Route;
  readonly regexp: RegExp;
}

/** The compiled table. */
export class Router {
  readonly #literal = new Map<string, Route>();
  readonly #patterns = new Map<string, Pattern[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const { method, path } = route;
      if (!/[*:]/.test(path)) {
        this.#literal.set(`${method} ${path}`, route);
        continue;
      }
      const key = `${method} ${firstSegment(path)}`;
      const { regexp } = pathToRegexp(path, { sensitive: true, trailing: false });
      const patterns = this.#patterns.get(key);
      if (patterns === undefined) this.#patterns.set(key, [{ route, regexp }]);
      else patterns.push({ route, regexp });
    }
    // A name that may have slashes takes what a longer path means, so the longer ones are tried first.
    for (const patterns of this.#patterns.values())
      patterns.sort((a, b) => segments(b.route.path) - segments(a.route.path));
  }

  /** The route of a request. Throws `page-not-found`, `client-too-old`, `client-too-new`. */
  find(method: string, url: string): RouteMatch {
    // A client may name the host in the request's line too (RFC 9112, section 3.2.2).
    const local = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "");
    const question = local.indexOf("?");
    const whole = question < 0 ? local : local.slice(0, question);
    const search = question < 0 ? "" : local.slice(question + 1);
    const prefix = /^\/v([0-9.]+)(?=\/)/.exec(whole);
    const path = cleaned(prefix === null ? whole : whole.slice(prefix[0].length));
    const found = this.#match(method, path);
    if (found === undefined) {
      unescaped(path);
      throw failure("page-not-found", {});
    }
    const version = prefix === null ? newest : parseVersion(prefix[1] ?? "");
    return { route: found.route, version, search, captures: found.captures };
  }

  #match(method: string, path: string): { route: Route; captures: readonly string[] } | undefined {
    const literal = this.#literal.get(`${method} ${path}`);
    if (literal !== undefined) return { route: literal, captures: [] };
    for (const { route, regexp } of this.#patterns.get(`${method} ${firstSegment(path)}`) ?? []) {
      const match = regexp.exec(path);
      if (match !== null) return { route, captures: match.slice(1).map(decode) };
    }
    return undefined;
  }
}

/** dockerd redirects to the path without empty segments and dots; here that path is answered at once. */
function cleaned(path: string): string {
  return /\/\.{0,2}\/|\/\.{1,2}$/.test(path) ? posix.normalize(path) : path;
}

function segments(path: string): number {
  return path.split("/").length;
}

function firstSegment(path: string): string {
  const end = path.indexOf("/", 1);
  return end < 0 ? path : path.slice(0, end);
}

function decode(capture: string): string {
  const name = capture.includes("%") ? unescaped(capture) : capture;
  // dockerd's patterns for names take every character but this one.
  if (name.includes("\n")) throw failure("page-not-found", {});
  return name;
}

function unescaped(capture: string): string {
  try {
    return decodeURIComponent(capture);
  } catch {
    const [wrong] = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(capture) ?? [];
    if (wrong === undefined) throw failure("page-not-found", {});
    throw failure("invalid-parameter", { message: `invalid URL escape ${JSON.stringify(wrong)}` });
  }
}
