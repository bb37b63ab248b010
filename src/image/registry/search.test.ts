import { expect, test } from "bun:test";
import { describeImage, listTags } from "./describe.ts";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { openRegistry } from "./push.ts";
import { searchIndex } from "./search.ts";
import type { Session } from "./session.ts";

const retry = { attempts: 1, pause: 1 };

async function sessionOf(registry: FakeRegistry, tag?: string): Promise<Session> {
  return await openRegistry({ reference: registry.reference(tag), config: {}, retry });
}

test("an index answers with what it finds; control characters don't reach a terminal", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = (request, response) => {
    if (!(request.url ?? "").startsWith("/v1/search")) return false;
    const results = [
      { name: "library/a", description: "one\u001b[31m\ntwo", star_count: 3, is_official: true },
      { name: "b", star_count: "many" },
      "nonsense",
    ];
    response.end(JSON.stringify({ results }));
    return true;
  };
  expect(await searchIndex(`${registry.host}/some words`, 2, {}, { username: "u", password: "p" })).toEqual([
    { name: "library/a", description: "one [31m two", star_count: 3, is_official: true, is_automated: false },
    { name: "b", description: "", star_count: 0, is_official: false, is_automated: false },
  ]);
  expect(registry.log.at(-1)).toBe("GET /v1/search?q=some+words&n=2");
  expect(registry.authorizations.at(-1)).toBe("Basic dTpw");
});

test("a registry that can't search says so", async () => {
  await using registry = await FakeRegistry.start();
  expect(await rejection(searchIndex(`${registry.host}/x`, 25, {}))).toBe(
    `${registry.host} can't be searched: it answered with status 404 to /v1/search`,
  );
  expect(await rejection(searchIndex("http://x/y", 25, {}))).toContain("should not have a scheme");
  expect(await rejection(searchIndex("127.0.0.1:1/x", 25, {}))).toContain("connection refused");
});

test("a manifest is for what its configuration says, an index for what its entries say", async () => {
  await using registry = await FakeRegistry.start();
  const config = JSON.stringify({ os: "linux", architecture: "arm64", variant: "v8" });
  const image = registry.addImage(["layer"], "one", config);
  const entries = registry.addIndex(
    [
      [image, { os: "linux", architecture: "arm64", variant: "v8" }],
      [image, { os: "linux", architecture: "amd64" }],
    ],
    "both",
  );
  const one = await describeImage(await sessionOf(registry), registry.reference("one"));
  expect(one).toEqual({
    descriptor: image,
    platforms: [{ os: "linux", architecture: "arm64", variant: "v8" }],
  });
  const both = await describeImage(await sessionOf(registry), registry.reference("both"));
  expect(both.descriptor).toEqual(entries);
  expect(both.platforms.map(({ architecture }) => architecture)).toEqual(["arm64", "amd64"]);
  expect(await rejection(describeImage(await sessionOf(registry), registry.reference("none")))).toBe(
    "manifest unknown: manifest unknown",
  );
});

test("tags come in pages; what is no tag isn't one", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = (request, response) => {
    const url = new URL(request.url ?? "", registry.url);
    if (!url.pathname.endsWith("/tags/list")) return false;
    const second = url.searchParams.get("last") === "b";
    if (!second) response.setHeader("link", `<${url.pathname}?last=b>; rel="next"`);
    response.end(JSON.stringify({ tags: second ? ["c"] : ["a", "b", "../x", 5] }));
    return true;
  };
  expect(await listTags(await sessionOf(registry))).toEqual(["a", "b", "c"]);
});
