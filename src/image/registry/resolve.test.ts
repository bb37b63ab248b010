import { expect, test } from "bun:test";
import { defaultLimits } from "./answer.ts";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { resolveImage, rootDigest, type Resolution } from "./resolve.ts";
import { Transport } from "./transport.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const busybox = { registry: "docker.io", repository: "library/busybox", tag: "latest" };
const login = { username: "anna", password: "secret" };

function wanted(mirrors: readonly string[], parts: Partial<Resolution> = {}): Resolution {
  const config = { mirrors };
  const transport = new Transport(config, defaultLimits);
  return {
    transport,
    config,
    reference: busybox,
    platform: amd64,
    retry: { attempts: 3, pause: 1 },
    ...parts,
  };
}

test("the first mirror that has the image serves it, without the user's credentials", async () => {
  await using broken = await FakeRegistry.start();
  await using empty = await FakeRegistry.start();
  await using full = await FakeRegistry.start();
  const dead = await FakeRegistry.start();
  const gone = dead.url;
  await dead[Symbol.asyncDispose]();
  broken.intercept = (_request, response) => {
    response.writeHead(503).end();
    return true;
  };
  const { digest } = full.addImage(["one"], "latest");
  const { image } = await resolveImage(
    wanted([gone, broken.url, empty.url, `${full.url}/`], { auth: login }),
  );
  expect(rootDigest(image)).toBe(digest);
  expect(broken.log).toEqual(["GET /v2/"]);
  expect(empty.log).toEqual(["GET /v2/", "GET /v2/library/busybox/manifests/latest"]);
  expect(full.authorizations).toEqual([undefined, undefined]);
});

test("a mirror may lie below a path", async () => {
  await using mirror = await FakeRegistry.start();
  const { digest } = mirror.addImage(["one"], "latest");
  const seen: string[] = [];
  mirror.intercept = (request) => {
    seen.push(request.url ?? "");
    request.url = request.url?.replace("/proxy/hub", "");
    return false;
  };
  const { image } = await resolveImage(wanted([`${mirror.url}/proxy/hub`]));
  expect(rootDigest(image)).toBe(digest);
  expect(seen).toEqual(["/proxy/hub/v2/", "/proxy/hub/v2/library/busybox/manifests/latest"]);
});

test("a registry that is busy is asked again; what it refuses is not asked by plain http", async () => {
  await using registry = await FakeRegistry.start();
  const { digest } = registry.addImage(["one"], "latest");
  let busy = 2;
  registry.intercept = (_request, response) => {
    busy -= 1;
    if (busy < 0) return false;
    response.writeHead(503, { "retry-after": "0" }).end();
    return true;
  };
  const { image } = await resolveImage(wanted([], { reference: registry.reference() }));
  expect(rootDigest(image)).toBe(digest);
  registry.log.length = 0;
  const reference = registry.reference("other");
  expect(await rejection(resolveImage(wanted([], { reference })))).toContain("manifest unknown");
  expect(registry.log).toEqual(["GET /v2/", "GET /v2/test/app/manifests/other"]);
});

test("no entry for the platform has Docker's text", async () => {
  await using registry = await FakeRegistry.start();
  registry.addIndex([[registry.addImage(["one"]), amd64]], "latest");
  const platform = { os: "linux", architecture: "arm64", variant: "v8" };
  const text = await rejection(resolveImage(wanted([], { reference: registry.reference(), platform })));
  expect(text).toStartWith("no matching manifest for linux/arm64/v8 in the manifest list entries: ");
});

test("an index that leads to an index ends there", async () => {
  await using registry = await FakeRegistry.start();
  const inner = registry.addIndex([], "inner");
  const disguised = { ...inner, mediaType: "application/vnd.oci.image.manifest.v1+json" };
  registry.addIndex([[disguised, amd64]], "latest");
  const text = await rejection(resolveImage(wanted([], { reference: registry.reference() })));
  expect(text).toContain("invalid manifest");
});
