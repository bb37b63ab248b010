import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseChallenges } from "./challenge.ts";

const plain = (header: string | null): unknown =>
  parseChallenges(header).map(({ scheme, params }) => [scheme, { ...params }]);

test("a bearer challenge with quoted values", () => {
  expect(
    plain(
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    ),
  ).toEqual([
    [
      "bearer",
      {
        realm: "https://auth.docker.io/token",
        service: "registry.docker.io",
        scope: "repository:a/b:pull,push",
      },
    ],
  ]);
});

test("escapes, blanks, unquoted values and several challenges in one header", () => {
  expect(plain('Basic realm="a \\"b\\" \\\\", charset = UTF-8, BEARER Realm=x , service="s, t"')).toEqual([
    ["basic", { realm: 'a "b" \\', charset: "UTF-8" }],
    ["bearer", { realm: "x", service: "s, t" }],
  ]);
  expect(plain("Negotiate, Basic realm=x")).toEqual([
    ["negotiate", {}],
    ["basic", { realm: "x" }],
  ]);
});

test("the first of two equal parameters counts, so a proxy that appends cannot redirect the credentials", () => {
  expect(plain('Bearer realm="https://a/", realm="https://b/"')).toEqual([
    ["bearer", { realm: "https://a/" }],
  ]);
});

test("broken headers end where they break", () => {
  expect(plain(null)).toEqual([]);
  expect(plain("")).toEqual([]);
  expect(plain('Bearer realm="open')).toEqual([["bearer", { realm: "open" }]]);
  expect(plain('Bearer realm="a" ;;; scope="b"')).toEqual([["bearer", { realm: "a" }]]);
  expect(plain(`Bearer realm="${"x".repeat(20_000)}"`)).toEqual([]);
});

test("__proto__ is a parameter like any other", () => {
  const [challenge] = parseChallenges('Bearer __proto__="x", realm="y"');
  expect(challenge?.params["realm"]).toBe("y");
  expect(Object.getPrototypeOf({}) as unknown).toBe(Object.prototype);
});

test("any text is parsed without an exception and in bounded time", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      expect(Array.isArray(parseChallenges(text))).toBe(true);
    }),
  );
});

test("quoted values survive a round trip", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (value) => {
      const header = `Bearer a=b, realm="${value.replace(/["\\]/g, "\\$&")}", c=d`;
      expect(plain(header)).toEqual([["bearer", { a: "b", realm: value, c: "d" }]]);
    }),
  );
});
