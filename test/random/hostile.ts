/**
 * Requests with something wrong in them: a rightful one, and what was done to it.
 * @module
 */
import fc from "fast-check";
import { endpoints, type BodyShape, type Endpoint } from "./endpoints.ts";
import { deep, jsonOf, oddNumbers, oddStrings, oddValue, Raw } from "./odd-values.ts";
import type { WireRequest } from "./wire.ts";

/** Names of the objects that a request may mean: `container` → several of them. */
export type Names = Readonly<Record<Kind, readonly string[]>>;
export type Kind = "container" | "exec" | "image" | "network" | "volume";

/** A request whose objects have no names yet: `{container}` is the pick's of them. */
export interface Hostile {
  readonly endpoint: Endpoint;
  /** What was done, in a word. */
  readonly mutation: string;
  readonly version: string;
  readonly pick: number;
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly cut: number | undefined;
}

function plain(endpoint: Endpoint, pick: number): Hostile {
  const body = endpoint.body === undefined ? "" : jsonOf(endpoint.body.base);
  return {
    endpoint,
    mutation: "none",
    version: "/v1.51",
    pick,
    method: endpoint.method,
    path: endpoint.path,
    query: Object.entries(endpoint.given ?? {}),
    body,
    headers: body === "" ? {} : { "Content-Type": "application/json" },
    cut: undefined,
  };
}

type Mutation = (rightful: Hostile) => fc.Arbitrary<Hostile>;

const string = fc.constantFrom(...oddStrings);
const filterValues = [
  "",
  "null",
  "[]",
  "{}",
  "z",
  '{"z":["z"]}',
  '{"label":"z"}',
  '{"label":["z"]}',
  '{"label":{"z":1}}',
  '{"label":{"z":true}}',
  '{"label":{"z":false}}',
  '{"label":["z=z","="]}',
  '{"label":[""]}',
  '{"label":null}',
  '{"label":[1]}',
  '{"name":["["]}',
  '{"name":["z"]}',
  '{"id":["zz"]}',
  '{"status":["z"]}',
  '{"status":["running"]}',
  '{"exited":["z"]}',
  '{"exited":["99999999999999999999"]}',
  '{"health":["z"]}',
  '{"health":["none"]}',
  '{"is-task":["z"]}',
  '{"before":["z"]}',
  '{"since":["z"]}',
  '{"ancestor":["z"]}',
  '{"ancestor":["Z Z"]}',
  '{"publish":["z"]}',
  '{"publish":["80"]}',
  '{"expose":["0-99999"]}',
  '{"volume":["z"]}',
  '{"network":["z"]}',
  '{"isolation":["z"]}',
  '{"dangling":["z"]}',
  '{"dangling":["true","false"]}',
  '{"reference":["["]}',
  '{"reference":["*"]}',
  '{"until":["z"]}',
  '{"until":["-1"]}',
  '{"until":["1h"]}',
  '{"until":["1h","2h"]}',
  '{"driver":["z"]}',
  '{"scope":["z"]}',
  '{"type":["z"]}',
  '{"type":["custom"]}',
  '{"event":["z"]}',
  '{"label":["z"],"label!":["z"]}',
  '{"label":["z"]}{}',
  '{"label":["z"],"name":{"z":true}}',
  '{"label":["z"]',
];

const queried: Mutation = (it) => {
  const names = it.endpoint.query ?? [];
  if (names.length === 0) return fc.constant(it);
  return fc.constantFrom(...names).chain((name) => {
    const value =
      name === "filters"
        ? fc.constantFrom(...filterValues)
        : fc.oneof(string, fc.constantFrom(...oddNumbers));
    return value.map((text) => ({
      ...it,
      mutation: `query ${name}`,
      query: [...it.query.filter(([given]) => given !== name), [name, text] as const],
    }));
  });
};

/** A copy of `value` with something else at `path`. */
export function withField(value: unknown, path: readonly string[], item: unknown): unknown {
  const [name = "", ...rest] = path;
  const inner = (value as Record<string, unknown> | undefined)?.[name];
  const changed = rest.length === 0 ? item : withField(inner, rest, item);
  if (Array.isArray(value))
    return value.map((each, at) => (String(at) === name ? changed : (each as unknown)));
  return { ...(value as object | undefined), [name]: changed };
}

const fielded: Mutation = (it) => {
  const { body } = it.endpoint;
  if (body === undefined) return queried(it);
  return fc.constantFrom(...body.fields).chain(([path, type]) =>
    oddValue(type).map((value) => ({
      ...it,
      mutation: `field ${path}`,
      body: jsonOf(withField(body.base, path.split("."), value)),
    })),
  );
};

const missing: Mutation = (it) => {
  const { body } = it.endpoint;
  const names = Object.keys(body?.base ?? {});
  if (body === undefined || names.length === 0) return renamed(it);
  return fc.constantFrom(...names).map((name) => {
    const { [name]: _, ...rest } = body.base;
    return { ...it, mutation: `without ${name}`, body: jsonOf(rest) };
  });
};

const renamed: Mutation = (it) =>
  /\{\w+\}/.test(it.path)
    ? fc.tuple(string, fc.boolean()).map(([name, whole]) => ({
        ...it,
        mutation: "name",
        path: it.path.replace(/\{\w+\}/, (own) =>
          encodeURIComponent(whole ? name : `${own}${name}`)
            .replaceAll("%7B", "{")
            .replaceAll("%7D", "}"),
        ),
      }))
    : queried(it);

const pathTricks: Mutation = (it) =>
  fc
    .constantFrom(
      (path: string) => `${path}/`,
      (path: string) => `/${path}`,
      (path: string) => path.replace(/\/([^/]*)$/, "//$1"),
      (path: string) => `/z/..${path}`,
      (path: string) => `/%2e%2e${path}`,
      (path: string) => path.replace("/", "/./"),
      (path: string) => `${path}/..`,
      (path: string) => `${path}%00`,
      (path: string) => `${path}%2f`,
      (path: string) => `${path}%zz`,
      (path: string) => path.toUpperCase().replaceAll(/\{(\w+)\}/g, (own) => own.toLowerCase()),
      (path: string) => `${path}/z`,
      (path: string) => `${path}?`,
      (path: string) => `${path}#z`,
      (path: string) => `http://z${path}`,
      (path: string) => path.slice(1),
      (path: string) => `${path} z`,
    )
    .map((trick) => ({ ...it, mutation: "path", path: trick(it.path) }));

const otherMethod: Mutation = (it) =>
  fc
    .constantFrom("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "get", "Z")
    .filter((method) => method !== it.method && !(method === "DELETE" && !it.path.includes("{")))
    .map((method) => ({ ...it, mutation: "method", method }));

const versions: Mutation = (it) =>
  fc
    .constantFrom(
      "",
      "/v1.24",
      "/v1.23",
      "/v1.30",
      "/v1.40",
      "/v1.41",
      "/v1.44",
      "/v1.52",
      "/v1.99",
      "/v0",
      "/v1",
      "/v2",
      "/v1.",
      "/v1.51.1",
      "/v1..51",
      "/v.",
      "/v-1.51",
      "/v1.51z",
      "/v99999999999999999999.1",
      "/v1.051",
      "/V1.51",
    )
    .map((version) => ({ ...it, mutation: "version", version }));

/** What may be wrong with a text that should be JSON. */
const broken: Mutation = (it) => {
  const text = it.body === "" ? "{}" : it.body;
  const first = /^\{("[^"]*":)/.exec(text)?.[1];
  return fc
    .oneof(
      fc.nat(text.length - 1).map((length) => text.slice(0, length)),
      fc.nat(text.length).map((at) => `${text.slice(0, at)}\u0000${text.slice(at)}`),
      fc.nat(text.length).map((at) => `${text.slice(0, at)},${text.slice(at)}`),
      fc.constantFrom(
        `${text}${text}`,
        `${text}z`,
        ` ${text} `,
        `\ufeff${text}`,
        "null",
        "[]",
        "1",
        '"z"',
        "true",
        "z",
        "",
        " ",
        "{",
        "NaN",
        text.replaceAll('"', "'"),
        text.replace(/\}$/, ",}"),
        `[${text}]`,
        jsonOf(deep(500)),
        jsonOf(deep(20_000)),
        jsonOf({ z: deep(9_000) }),
        jsonOf({ z: deep(12_000) }),
        '{"a":1'.repeat(5000),
        `{"z":"${"z".repeat(100_000)}"}`,
        jsonOf({ z: new Raw("1e999") }),
        jsonOf({ __proto__: null, constructor: { prototype: {} } }),
        '{"__proto__":{"z":1}}',
        '{"\\ud800":"\\udfff"}',
        text.replace(/^\{/, `{${first ?? '"z":'}1,`),
        first === undefined ? text : text.replace(/\}$/, `,${first}null}`),
        first === undefined ? text : text.replace(first, first.toLowerCase()),
      ),
    )
    .map((body) => ({
      ...it,
      mutation: "json",
      body,
      headers: { "Content-Type": "application/json", ...it.headers },
    }));
};

const contentTypes: Mutation = (it) =>
  fc
    .constantFrom(
      "",
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "multipart/form-data; boundary=z",
      "application/json; charset=utf-8",
      "APPLICATION/JSON",
      "application/json;",
      "application/json; z",
      "application",
      "/",
      ";",
      "application/json, text/plain",
      "application/x-tar",
    )
    .map((type) => ({ ...it, mutation: "type", headers: { ...it.headers, "Content-Type": type } }));

const cut: Mutation = (it) =>
  it.body === "" ? broken(it) : fc.nat(it.body.length - 1).map((at) => ({ ...it, mutation: "cut", cut: at }));

const heads: Mutation = (it) =>
  fc
    .constantFrom<Record<string, string>>(
      { Upgrade: "tcp", Connection: "Upgrade" },
      { Upgrade: "z", Connection: "Upgrade" },
      { Upgrade: "h2c", Connection: "Upgrade" },
      { Upgrade: "websocket", Connection: "Upgrade" },
      { Upgrade: "tcp" },
      { Connection: "close" },
      { Connection: "z" },
      { Host: "" },
      { Host: "z/z" },
      { "Content-Length": "z" },
      { "Content-Length": "-1" },
      { "Content-Length": "99999999999999999999" },
      { "Transfer-Encoding": "z" },
      { "X-Registry-Auth": "z" },
      { "X-Registry-Auth": "e30" },
      { Accept: "z" },
      { "Accept-Encoding": "z;q=z" },
      { "Content-Encoding": "z" },
      { Range: "bytes=5-1" },
      { "If-Match": "z" },
      { Expect: "z" },
      { Z: "z".repeat(20_000) },
    )
    .map((more) => ({
      ...it,
      mutation: `head ${Object.keys(more)[0] ?? ""}`,
      headers: { ...it.headers, ...more },
    }));

const unchanged: Mutation = (it) => fc.constant(it);

const weighted: readonly { readonly weight: number; readonly mutation: Mutation }[] = [
  { weight: 12, mutation: fielded },
  { weight: 8, mutation: queried },
  { weight: 4, mutation: renamed },
  { weight: 2, mutation: missing },
  { weight: 2, mutation: pathTricks },
  { weight: 2, mutation: otherMethod },
  { weight: 2, mutation: versions },
  { weight: 4, mutation: broken },
  { weight: 2, mutation: contentTypes },
  { weight: 2, mutation: cut },
  { weight: 2, mutation: heads },
  { weight: 3, mutation: unchanged },
];

/** Requests of any kind; `sharing`: without those that mean objects of everybody. */
export function hostile(sharing: boolean): fc.Arbitrary<Hostile> {
  const usable = endpoints.filter((endpoint) => !sharing || endpoint.global !== true);
  return fc
    .tuple(fc.constantFrom(...usable), fc.nat(99))
    .chain(([endpoint, pick]) =>
      fc.oneof(
        ...weighted.map(({ weight, mutation }) => ({ weight, arbitrary: mutation(plain(endpoint, pick)) })),
      ),
    );
}

/** The request as bytes, with the names of those whom it means. */
export function wireOf(it: Hostile, names: Names): WireRequest {
  const named = (text: string): string =>
    text.replaceAll(/\{(container|exec|image|network|volume)\}/g, (_, kind: Kind) => {
      const list = names[kind];
      return list[it.pick % list.length] ?? "missing";
    });
  const query = it.query.map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(named(value))}`,
  );
  const mark = query.length === 0 ? "" : it.path.includes("?") ? "&" : "?";
  const body = Buffer.from(named(it.body));
  const absolute = it.path.startsWith("http");
  return {
    method: it.method,
    target: `${absolute ? "" : it.version}${named(it.path)}${mark}${query.join("&")}`,
    headers: { Host: "docker", "Content-Length": String(body.length), ...it.headers },
    body,
    ...(it.cut === undefined ? {} : { cutAfter: it.cut }),
    ...(it.endpoint.endless === true ? { leaveAfter: 100 } : {}),
    ...(it.endpoint.hijack === true ? { input: "z" } : {}),
  };
}

/** For a report. */
export function shown(it: Hostile, names: Names): string {
  const { method, target, headers, body } = wireOf(it, names);
  const rest = body.length > 0 ? ` ${body.subarray(0, 400).toString()}` : "";
  const own = Object.entries(headers).filter(([name]) => !/^(host|content-length)$/i.test(name));
  return `${method} ${target.slice(0, 400)}${own.map(([n, v]) => ` ${n}: ${v.slice(0, 60)}`).join(",")}${rest} (${it.mutation}${it.cut === undefined ? "" : ` after ${it.cut}`})`;
}

export type { BodyShape };
