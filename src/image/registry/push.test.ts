import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { digestOf } from "../digest.ts";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { Limiter } from "./limiter.ts";
import { openRegistry, pushImage, type PushEvent, type PushImage } from "./push.ts";
import type { Credentials } from "./types.ts";

const retry = { attempts: 3, pause: 1 };
const type = "application/vnd.oci.image.manifest.v1+json";

/** An image of these blobs, the last of which is its configuration. */
function imageOf(...blobs: readonly Buffer[]): { image: PushImage; blobs: Map<string, Buffer> } {
  const described = blobs.map((blob) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    digest: digestOf(blob),
    size: blob.length,
  }));
  const bytes = Buffer.from(JSON.stringify({ layers: described }));
  const [config, ...reversed] = described.toReversed();
  if (config === undefined) throw new Error("an image has a configuration");
  return {
    image: {
      manifest: { descriptor: { mediaType: type, digest: digestOf(bytes), size: bytes.length }, bytes },
      config,
      layers: reversed.toReversed(),
    },
    blobs: new Map(blobs.map((blob) => [digestOf(blob), blob])),
  };
}

async function pushed(
  registry: FakeRegistry,
  { image, blobs }: ReturnType<typeof imageOf>,
  { auth, sources = [] }: { auth?: Credentials; sources?: readonly string[] } = {},
): Promise<string[]> {
  const events: PushEvent[] = [];
  const session = await openRegistry({
    reference: registry.reference(),
    config: {},
    retry,
    ...(auth === undefined ? {} : { auth }),
  });
  await pushImage(session, "latest", image, {
    sources: () => sources,
    open: async function* (digest, offset) {
      const blob = blobs.get(digest) ?? Buffer.alloc(0);
      for (let at = offset; at < blob.length; at += 65_536) yield blob.subarray(at, at + 65_536);
    },
    retry,
    limiter: new Limiter(5),
    onProgress: (event) => events.push(event),
  });
  return events
    .filter(({ status }) => status !== "Pushing")
    .map(({ index, status, from }) => `${index} ${status}${from ?? ""}`);
}

const [one, two, config] = [randomBytes(300_000), randomBytes(10), Buffer.from("{}")];

test("layers that aren't there are uploaded, the uppermost is listed first, the manifest comes last", async () => {
  await using registry = await FakeRegistry.start();
  const made = imageOf(one, two, config);
  const lines = await pushed(registry, made);
  expect(lines.slice(0, 2)).toEqual(["1 Preparing", "0 Preparing"]);
  expect(lines.slice(2).toSorted()).toEqual(["0 Pushed", "1 Pushed"]);
  for (const [digest, blob] of made.blobs) expect(registry.blobs.get(digest)).toEqual(blob);
  expect(registry.manifests.get("latest")?.type).toBe(type);
  expect(registry.log.at(-1)).toBe("PUT /v2/test/app/manifests/latest");
  const again = await pushed(registry, made);
  expect(again.slice(2)).toEqual(["1 Layer already exists", "0 Layer already exists"]);
});

test("what another repository has is taken from there", async () => {
  await using registry = await FakeRegistry.start();
  registry.mounts.set("other/app", new Set([digestOf(one)]));
  const lines = await pushed(registry, imageOf(one, config), { sources: ["unknown/app", "other/app"] });
  // The first offers an upload in the place of a mount, which is then used.
  expect(lines).toEqual(["0 Preparing", "0 Pushed"]);
  const other = await pushed(registry, imageOf(one, config), { sources: ["other/app"] });
  expect(other).toEqual(["0 Preparing", "0 Layer already exists"]);
  registry.blobs.delete(digestOf(one));
  expect(await pushed(registry, imageOf(one, config), { sources: ["other/app"] })).toEqual([
    "0 Preparing",
    "0 Mountedother/app",
  ]);
});

test("an upload that breaks off goes on where it stopped", async () => {
  await using registry = await FakeRegistry.start();
  registry.cut = 100_000;
  const lines = await pushed(registry, imageOf(one, config));
  expect(lines).toEqual(["0 Preparing", "0 Retrying", "0 Pushed"]);
  expect(registry.blobs.get(digestOf(one))).toEqual(one);
  const uploads = registry.log
    .filter((line) => /^(?:GET|PATCH) .*uploads/.test(line))
    .map((line) => line.split(" ")[0]);
  expect(uploads.join(" ")).toMatch(/PATCH .*GET PATCH$/);
});

test("a refusal is told in the registry's words, and nothing is tried again", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = (request, response) => {
    if (request.method !== "POST") return false;
    response.writeHead(403, { "content-type": "application/json" });
    const error = { code: "DENIED", message: "requested access to the resource is denied" };
    response.end(JSON.stringify({ errors: [error] }));
    return true;
  };
  expect(await rejection(pushed(registry, imageOf(one, two, config)))).toBe(
    "denied: requested access to the resource is denied",
  );
});

test("the token may push, and read where a blob is mounted from", async () => {
  await using registry = await FakeRegistry.start();
  const scopes: string[][] = [];
  registry.intercept = (request, response) => {
    const url = new URL(request.url ?? "", registry.url);
    if (url.pathname === "/token") {
      scopes.push(url.searchParams.getAll("scope"));
      response.end(JSON.stringify({ token: "t" }));
      return true;
    }
    if (request.headers.authorization === "Bearer t") return false;
    response.writeHead(401, { "www-authenticate": `Bearer realm="${registry.url}/token",service="s"` }).end();
    return true;
  };
  registry.mounts.set("other/app", new Set([digestOf(one)]));
  const auth = { username: "u", password: "p" };
  expect(await pushed(registry, imageOf(one, config), { auth, sources: ["other/app"] })).toContain(
    "0 Mountedother/app",
  );
  expect(scopes).toContainEqual(["repository:test/app:pull,push"]);
  expect(scopes).toContainEqual(["repository:test/app:pull,push", "repository:other/app:pull"]);
});
