import { expect, test } from "bun:test";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";
import { configOf, tarOf } from "../image/archive/build-archive.ts";
import { chainIds, digestOf } from "../image/mod.ts";
import { FakeRegistry, rejection } from "../image/registry/fake-registry.ts";
import { ImageBench, reported } from "./images-fake-storage.ts";
import type { ImageService } from "./images.ts";

const layers = [await tarOf({ a: "1" }), await tarOf({ b: "22" })];
const [layer1 = Buffer.alloc(0), layer2 = Buffer.alloc(0)] = layers;
const [blob1, blob2] = [gzipSync(layer1), gzipSync(layer2)];
const config = configOf(layers, {
  created: "2024-01-02T03:04:05.6Z",
  config: { Cmd: ["sh"], Labels: { a: "b" }, ExposedPorts: { "80/tcp": {} } },
  history: [
    { created: "2024-01-02T03:04:05Z", created_by: "one" },
    { created_by: "nothing", empty_layer: true },
    { created_by: "two" },
  ],
}).toString();
const id = digestOf(config);
const chain = chainIds(layers.map((layer) => digestOf(layer)));
const digest12 = (bytes: Uint8Array): string => digestOf(bytes).slice(7, 19);
const never = new AbortController().signal;

async function pulled(service: ImageService, reference: string): Promise<unknown[]> {
  return await reported(service.pull(reference, { signal: never }));
}

test("a pull unpacks in order, reports in Docker's words, and survives a restart", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  const { digest } = registry.addImage([blob1, blob2], "latest", config);
  const service = await bench.open();
  const name = `${registry.host}/test/app`;
  const lines = await pulled(service, `${name}:latest`);
  expect(lines[0]).toEqual({ status: "Pulling from test/app", id: "latest" });
  for (const blob of [blob1, blob2]) {
    const own = lines.filter((line) => (line as { id?: string }).id === digest12(blob));
    const states = own.map((line) => (line as { status: string }).status);
    expect(states[0]).toBe("Pulling fs layer");
    for (const state of ["Verifying Checksum", "Download complete", "Extracting"])
      expect(states).toContain(state);
    expect(states.at(-1)).toBe("Pull complete");
  }
  expect(lines.slice(-2)).toEqual([
    { status: `Digest: ${digest}` },
    { status: `Status: Downloaded newer image for ${name}:latest` },
  ]);
  expect(bench.storage.order).toEqual(chain);
  expect(statSync(join(bench.root, "images")).mode & 0o777).toBe(0o700);
  expect(bench.events).toEqual([
    { Type: "image", Action: "pull", Actor: { ID: `${name}:latest`, Attributes: { a: "b", name } } },
  ]);
  for (const engine of [service, await bench.open()]) {
    expect(engine.resolve(name)).toMatchObject({ id, chain, architecture: "amd64", os: "linux" });
    expect(engine.resolve(id.slice(7, 15)).defaults.Cmd).toEqual(["sh"]);
    expect(engine.resolve(`${name}@${digest}`).id).toBe(id);
    expect(await engine.inspect(id)).toMatchObject({
      RepoTags: [`${name}:latest`],
      RepoDigests: [`${name}@${digest}`],
      Size: 3,
    });
  }
  const requests = registry.log.length;
  expect((await pulled(service, `${name}:latest`)).at(-1)).toEqual({
    status: `Status: Image is up to date for ${name}:latest`,
  });
  expect(registry.log.slice(requests).some((line) => line.includes("/blobs/"))).toBe(false);
});

test("a pull by digest gives no tag and shows the digest with its name", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  const { digest } = registry.addImage([blob1, blob2], undefined, config);
  const service = await bench.open();
  const lines = await reported(service.pull(`${registry.host}/test/app`, { tag: digest, signal: never }));
  expect(lines[0]).toEqual({
    status: "Pulling from test/app",
    id: `${registry.host}/test/app@${digest}`,
  });
  expect(await service.inspect(id)).toMatchObject({
    RepoTags: [],
    RepoDigests: [`${registry.host}/test/app@${digest}`],
  });
});

test("what fails before an image is found is thrown at once", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  const service = await bench.open();
  const name = `${registry.host}/test/app`;
  expect(await pulled(service, `${name}:x`)).toEqual([
    `manifest for ${name}:x not found: manifest unknown: manifest unknown`,
  ]);
  expect(await reported(service.pull("a", { tag: "b:b", signal: never }))).toEqual(["invalid tag format"]);
});

test("all tags of a repository", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  registry.addImage([blob1, blob2], "one", config);
  registry.addImage([blob1, blob2], "two", config);
  registry.intercept = (request, response) => {
    if (request.url?.endsWith("/tags/list") !== true) return false;
    response.end(JSON.stringify({ tags: ["one", "two"] }));
    return true;
  };
  const service = await bench.open();
  const name = `${registry.host}/test/app`;
  const lines = await pulled(service, name);
  expect(lines.filter((line) => JSON.stringify(line).includes("Pulling from"))).toHaveLength(2);
  expect(lines.filter((line) => JSON.stringify(line).includes("Status: "))).toEqual([
    { status: `Status: Downloaded newer image for ${name}` },
  ]);
  expect((await service.inspect(id))["RepoTags"]).toEqual([`${name}:one`, `${name}:two`]);
  expect((await pulled(service, name)).at(-1)).toEqual({ status: `Status: Image is up to date for ${name}` });
});

test("an image that was made here is pushed compressed, with the same digests each time", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  const service = await bench.open();
  await reported(
    service.import(Readable.from([layer2]), { repository: `${registry.host}/a/b`, changes: [] }),
  );
  const push = async (): Promise<unknown[]> =>
    await reported(service.push(`${registry.host}/a/b`, { tag: "latest", signal: never }));
  const first = await push();
  expect(first[0]).toEqual({ status: `The push refers to repository [${registry.host}/a/b]` });
  const { aux } = first.at(-1) as { aux: { Tag: string; Digest: string; Size: number } };
  expect(registry.manifests.get(aux.Digest)?.body.length).toBe(aux.Size);
  const { layers } = JSON.parse(registry.manifests.get("latest")?.body.toString() ?? "") as {
    layers: { mediaType: string; digest: string }[];
  };
  expect(layers.map(({ mediaType }) => mediaType)).toEqual(["application/vnd.oci.image.layer.v1.tar+gzip"]);
  expect(gunzipSync(Buffer.from(registry.blobs.get(layers[0]?.digest ?? "") ?? "")).equals(layer2)).toBe(
    true,
  );
  expect((await push()).at(-1)).toEqual(first.at(-1));
  // What was stored plain is gone, and the next engine knows the image as it is now.
  await service.sweep();
  expect(readdirSync(join(bench.root, "images/blobs/sha256"))).toHaveLength(3);
  const again = await bench.open();
  expect(await again.inspect(`${registry.host}/a/b`)).toMatchObject({
    RepoDigests: [`${registry.host}/a/b@${aux.Digest}`],
  });
  expect(bench.events.at(-1)).toMatchObject({ Action: "push" });
  expect(await reported(service.push(`${registry.host}/none`, { tag: "x", signal: never }))).toEqual([
    { status: `The push refers to repository [${registry.host}/none]` },
    `An image does not exist locally with the tag: ${registry.host}/none`,
  ]);
});

test("a layer that isn't what the configuration says ends the pull and leaves no image", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  registry.addImage([blob1, gzipSync(await tarOf({ evil: "x" }))], "bad", config);
  registry.addImage([blob1], "short", config);
  const service = await bench.open();
  const lines = await pulled(service, `${registry.host}/test/app:bad`);
  expect(lines.at(-1)).toMatch(/^layer sha256:.* but sha256:.* was expected$/);
  expect((await pulled(service, `${registry.host}/test/app:short`)).at(-1)).toMatch(/has 1 layers/);
  expect(await service.list({ all: true, digests: true, sharedSize: false, filters: new Map() })).toEqual([]);
  expect(bench.storage.order).toEqual(chain.slice(0, 1));
  await service.sweep();
  expect(bench.storage.unpacked.size).toBe(0);
  expect(readdirSync(join(bench.root, "images/blobs/sha256"))).toEqual([]);
});

test("a pull that the client leaves stops", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  registry.addImage([blob1, blob2], "latest", config);
  const asked = Promise.withResolvers<void>();
  registry.intercept = (request) => {
    const hangs = request.url?.endsWith(digestOf(blob1)) === true;
    if (hangs) asked.resolve();
    return hangs;
  };
  const service = await bench.open();
  const stop = new AbortController();
  const lines = reported(service.pull(`${registry.host}/test/app`, { tag: "latest", signal: stop.signal }));
  await asked.promise;
  stop.abort();
  expect((await lines).some((line) => JSON.stringify(line).includes("Pull complete"))).toBe(false);
  const leaving = service.pull(`${registry.host}/test/app`, { tag: "latest", signal: never });
  await leaving.next();
  await leaving.return();
  expect(() => service.resolve(`${registry.host}/test/app`)).toThrow("No such image");
});

test("two pulls of one image at once both end well", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  registry.addImage([blob1, blob2], "latest", config);
  registry.addImage([blob1, blob2], "other", config);
  const service = await bench.open();
  const all = await Promise.all(
    ["latest", "other", "latest"].map((tag) => pulled(service, `${registry.host}/test/app:${tag}`)),
  );
  for (const lines of all) expect(JSON.stringify(lines.at(-1))).toContain("Status: ");
  expect(registry.log.filter((line) => line.endsWith(digestOf(blob1)))).toHaveLength(1);
  expect(bench.storage.order).toEqual(chain);
  expect((await service.inspect(id))["RepoTags"]).toHaveLength(2);
});

test("another image under the same tag leaves the first without it", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  registry.addImage([blob1, blob2], "latest", config);
  const service = await bench.open();
  const name = `${registry.host}/test/app`;
  await pulled(service, `${name}:latest`);
  registry.addImage([blob1], "latest", configOf([layer1]).toString());
  await pulled(service, `${name}:latest`);
  expect(service.resolve(name).chain).toEqual(chain.slice(0, 1));
  expect(await service.inspect(id)).toMatchObject({ RepoTags: [] });
  expect(service.family(name)).toEqual([digestOf(configOf([layer1])), id]);
  expect(service.family("nothing")).toEqual([]);
});

test("an image of another platform is found only if nobody asks for one", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  registry.addImage([blob1, blob2], "latest", config);
  const service = await bench.open();
  const name = `${registry.host}/test/app:latest`;
  const lines = await reported(service.pull(name, { platform: "linux/arm64", signal: never }));
  expect(lines.at(-1)).toEqual({
    status: `WARNING: image with reference ${name} was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)`,
  });
  expect(service.resolve(name, "linux/amd64").id).toBe(id);
  expect(() => service.resolve(name, "arm64")).toThrow("does not match the specified platform (linux/arm64)");
});

test("an image whose layers are gone with their blobs isn't there, and comes back by a pull", async () => {
  await using registry = await FakeRegistry.start();
  await using bench = new ImageBench();
  registry.addImage([blob1, blob2], "latest", config);
  const name = `${registry.host}/test/app:latest`;
  await pulled(await bench.open(), name);
  bench.storage.unpacked.clear();
  for (const blob of [blob1, blob2])
    rmSync(join(bench.root, "images", "blobs", ...digestOf(blob).split(":")), { force: true });
  const service = await bench.open();
  expect(bench.warnings).toHaveLength(1);
  expect(() => service.resolve(name)).toThrow(`No such image: ${name}`);
  await service.sweep();
  await pulled(service, name);
  expect((await bench.open()).resolve(name).chain).toEqual(chain);
});

test("a name that means nothing is refused in Docker's words", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  const asked = (name: string): Promise<string> => rejection(service.inspect(name));
  expect(await asked("nope")).toBe("No such image: nope:latest");
  expect(await asked(`nope:x@${id}`)).toBe(`No such image: nope:x@${id}`);
  expect(await asked(id)).toBe(`No such image: ${id}`);
  expect(await asked("sha256:1111")).toBe("No such image: sha256:1111");
  expect(await asked("BAD")).toContain("must be lowercase");
});

test("an import is an image with a tag", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  const lines = await reported(
    service.import(Readable.from([layer2]), {
      repository: "new",
      changes: ["CMD sleep 1"],
      message: "hello",
    }),
  );
  const { id: made, defaults } = service.resolve("new:latest");
  expect(lines).toEqual([{ status: made }]);
  expect(defaults.Cmd).toEqual(["/bin/sh", "-c", "sleep 1"]);
  expect(bench.events.map(({ Action, Actor }) => [Action, Actor.Attributes["name"]])).toEqual([
    ["tag", "new:latest"],
    ["import", made],
  ]);
  expect(await service.inspect("new")).toMatchObject({ Comment: "hello", Size: 2 });
  const bad = service.import(Readable.from([Buffer.alloc(600, 1)]), { changes: [] });
  expect(await reported(bad)).toEqual([expect.stringContaining("root file system")]);
});
