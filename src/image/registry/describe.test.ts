import { expect, test } from "bun:test";
import { describeImage, listTags } from "./describe.ts";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { openSession, type Session } from "./session.ts";
import { Transport } from "./transport.ts";

const transport = new Transport();

function open(registry: FakeRegistry): Promise<Session> {
  return openSession(
    transport,
    { base: new URL(registry.url), mirror: false },
    registry.reference(),
    undefined,
  );
}

test("an index names its platforms, an image's are in its configuration", async () => {
  await using registry = await FakeRegistry.start();
  const config = JSON.stringify({ os: "linux", architecture: "arm", variant: "v7" });
  const image = registry.addImage(["layer"], "one", config);
  const arm = { os: "linux", architecture: "arm64" };
  registry.addIndex(
    [
      [image, arm],
      [image, { os: "windows", architecture: "amd64" }],
    ],
    "many",
  );
  const session = await open(registry);
  expect(await describeImage(session, registry.reference("one"))).toEqual({
    descriptor: image,
    platforms: [{ os: "linux", architecture: "arm", variant: "v7" }],
  });
  const many = await describeImage(session, registry.reference("many"));
  expect(many.descriptor.mediaType).toBe("application/vnd.oci.image.index.v1+json");
  expect(many.platforms).toEqual([arm, { os: "windows", architecture: "amd64" }]);
});

test("a configuration that says nothing leaves the texts empty", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage([], "odd", '{"os":1,"architecture":null}');
  const { platforms } = await describeImage(await open(registry), registry.reference("odd"));
  expect(platforms).toEqual([{ os: "", architecture: "" }]);
});

test("what isn't there, in Docker's words; a registry that gives something else", async () => {
  await using registry = await FakeRegistry.start();
  const session = await open(registry);
  expect(await rejection(describeImage(session, registry.reference("nosuch")))).toBe(
    "manifest unknown: manifest unknown",
  );
  const { digest } = registry.addImage(["a"], "a");
  const other = registry.addImage(["b"], "b");
  const wrong = registry.manifests.get("b");
  if (wrong !== undefined) registry.manifests.set(digest, wrong);
  const problem = await rejection(describeImage(session, registry.reference(digest)));
  expect(problem).toContain(digest);
  expect(problem).toContain(other.digest);
});

test("tags of all pages, without what can't be one", async () => {
  await using registry = await FakeRegistry.start();
  const pages: Readonly<Record<string, readonly [unknown, string?]>> = {
    "/v2/test/app/tags/list": [{ tags: ["a", "b:c", 3] }, '</v2/test/app/tags/list?last=b&n=2>; rel="next"'],
    "/v2/test/app/tags/list?last=b&n=2": [{ tags: null }, "</v2/test/app/tags/list?last=x>; rel=next"],
    "/v2/test/app/tags/list?last=x": [{ tags: ["1.0", "-x", "x".repeat(129), "z"] }],
  };
  registry.intercept = (request, response) => {
    const [body, link] = pages[request.url ?? ""] ?? [];
    if (body === undefined) return false;
    response.writeHead(200, link === undefined ? {} : { link }).end(JSON.stringify(body));
    return true;
  };
  expect(await listTags(await open(registry))).toEqual(["a", "1.0", "z"]);
});
