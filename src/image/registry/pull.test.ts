import { expect, test } from "bun:test";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isFailure } from "../../errors/mod.ts";
import { digestOf } from "../digest.ts";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { MemorySink } from "./memory-sink.ts";
import { progressMessage } from "./progress.ts";
import { pull, type PullOptions } from "./pull.ts";
import type { PullEvent } from "./types.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const retry = { attempts: 3, pause: 1 };

async function pullFrom(
  registry: FakeRegistry,
  options: Partial<PullOptions> = {},
): Promise<{ sink: MemorySink; image: Awaited<ReturnType<typeof pull>>; events: PullEvent[] }> {
  const events: PullEvent[] = [];
  const sink = new MemorySink();
  const image = await pull({
    reference: registry.reference(),
    platform: amd64,
    sink,
    retry,
    onProgress: (event) => events.push(event),
    ...options,
  });
  return { sink, image, events };
}

test("an index leads to the platform's image; everything lands in the sink, manifests last", async () => {
  await using registry = await FakeRegistry.start();
  const wrong = registry.addImage(["other"]);
  const right = registry.addImage(["one", "two"]);
  const index = registry.addIndex(
    [
      [wrong, { os: "linux", architecture: "s390x" }],
      [right, amd64],
    ],
    "latest",
  );
  const { sink, image, events } = await pullFrom(registry);
  expect(image.index?.descriptor.digest).toBe(index.digest);
  expect(image.manifest.descriptor).toMatchObject({ digest: right.digest, platform: amd64 });
  expect(image.layers.map(({ digest }) => sink.blobs.get(digest)?.toString())).toEqual(["one", "two"]);
  expect(sink.order.slice(-2)).toEqual([right.digest, index.digest]);
  expect(sink.blobs.size).toBe(5);
  expect(events.at(0)).toEqual({ kind: "from", repository: "test/app", tag: "latest" });
  expect(events.slice(-2).map(progressMessage)).toEqual([
    { status: `Digest: ${index.digest}` },
    { status: `Status: Downloaded newer image for ${registry.host}/test/app:latest` },
  ]);
});

test("a layer goes through Docker's states; what doesn't get a slot waits", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["one", "two"], "latest");
  const { events, image } = await pullFrom(registry, { concurrency: 1 });
  const states = (at: number): string[] =>
    events.flatMap((e) => (e.kind === "layer" && e.digest === image.layers[at]?.digest ? [e.status] : []));
  expect(states(0)).toEqual(["Pulling fs layer", "Downloading", "Verifying Checksum", "Download complete"]);
  expect(states(1).slice(0, 3)).toEqual(["Pulling fs layer", "Waiting", "Downloading"]);
  expect(events).toContainEqual({
    kind: "layer",
    digest: image.layers[0]?.digest ?? "",
    status: "Downloading",
    current: 3,
    total: 3,
  });
});

test("layers are handed over as they complete, after the configuration, a repeated one for each of its places", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["slow", "twice", "fast", "twice"], "latest");
  const held: (() => void)[] = [];
  registry.intercept = (request, response) => {
    const slow = registry.blobs.get(digestOf(Buffer.from("slow")));
    if (!request.url?.endsWith(digestOf(Buffer.from("slow"))) || slow === undefined) return false;
    held.push(() => registry.sendBlob(request, response, slow));
    return true;
  };
  const sink = new MemorySink();
  const done: number[] = [];
  await pullFrom(registry, {
    sink,
    onLayer: (layer, index) => {
      expect(sink.has(layer.digest)).toBe(true);
      expect(sink.has(digestOf(Buffer.from("{}")))).toBe(true);
      done.push(index);
      if (done.length === 3) for (const release of held) release();
    },
  });
  expect(done.at(-1)).toBe(0);
  expect(done.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  expect(registry.log.filter((line) => line.endsWith(digestOf(Buffer.from("twice"))))).toHaveLength(1);
});

test("blobs that are there are not downloaded; an image that is there needs none", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["one", "two"], "latest");
  const sink = new MemorySink();
  sink.blobs.set(digestOf(Buffer.from("one")), Buffer.from("one"));
  const { events } = await pullFrom(registry, { sink });
  expect(events[1]).toMatchObject({ status: "Already exists", digest: digestOf(Buffer.from("one")) });
  registry.log.length = 0;
  const again = await pullFrom(registry, { local: () => ({ present: true, tagged: true }) });
  expect(registry.log).toEqual(["GET /v2/", "GET /v2/test/app/manifests/latest"]);
  expect(again.events.map((event) => progressMessage(event).status).slice(1)).toEqual([
    `Digest: ${again.image.manifest.descriptor.digest}`,
    `Status: Image is up to date for ${registry.host}/test/app:latest`,
  ]);
});

test("no registry: Docker's text, at once", async () => {
  const registry = await FakeRegistry.start();
  const reference = registry.reference();
  const { host } = registry;
  await registry[Symbol.asyncDispose]();
  const began = performance.now();
  const error = await pullFrom(registry, { reference, retry: { attempts: 5, pause: 10_000 } }).catch(
    (e: unknown) => e,
  );
  expect(isFailure(error, "registry-unreachable") && error.message).toBe(
    `Get "http://${host}/v2/": dial tcp ${host}: connect: connection refused`,
  );
  expect(performance.now() - began).toBeLessThan(2000);
});

test("an unknown manifest has Docker's text", async () => {
  await using registry = await FakeRegistry.start();
  expect(await rejection(pullFrom(registry))).toContain(
    `manifest for ${registry.host}/test/app:latest not found: manifest unknown: manifest unknown`,
  );
});

test("a pull by digest gets exactly that", async () => {
  await using registry = await FakeRegistry.start();
  const { digest } = registry.addImage(["one"], "latest");
  const { events } = await pullFrom(registry, { reference: registry.reference(digest) });
  expect(events[0]).toEqual({ kind: "from", repository: "test/app", tag: digest });
  const other = registry.addImage(["two"]);
  registry.manifests.set(digest, registry.manifests.get(other.digest) ?? { type: "", body: Buffer.alloc(0) });
  expect(await rejection(pullFrom(registry, { reference: registry.reference(digest) }))).toContain(
    `${other.digest} but ${digest} was expected`,
  );
});

test("an index whose entry is another thing than it says is refused", async () => {
  await using registry = await FakeRegistry.start();
  const image = registry.addImage(["one"]);
  registry.addIndex([[{ ...image, size: 1 }, amd64]], "latest");
  expect(await rejection(pullFrom(registry))).toContain("the index says");
});

test("the first failure stops everything and keeps what was received", async () => {
  await using registry = await FakeRegistry.start();
  const long = Buffer.alloc(64 * 1024, 7);
  const image = registry.addImage([long, "gone"], "latest");
  registry.blobs.delete(digestOf(Buffer.from("gone")));
  const arrived = Promise.withResolvers<void>();
  registry.intercept = (request, response) => {
    if (request.url?.endsWith(digestOf(Buffer.from("gone"))) === true) {
      void arrived.promise.then(() => response.writeHead(404).end());
      return true;
    }
    if (request.url?.endsWith(digestOf(long)) !== true) return false;
    response.writeHead(200, { "content-length": long.length });
    response.write(long.subarray(0, 1024));
    return true;
  };
  const sink = new MemorySink();
  const onProgress = (event: PullEvent): void => {
    if (event.kind === "layer" && event.status === "Downloading") arrived.resolve();
  };
  expect(await rejection(pullFrom(registry, { sink, onProgress }))).toContain("not found");
  expect(sink.has(image.digest)).toBe(false);
  expect(sink.partial.get(digestOf(long))?.length).toBe(1024);
});

test("an abort ends the pull with the signal's reason", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["one"], "latest");
  const abort = new AbortController();
  registry.intercept = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.includes("/blobs/") !== true) return false;
    response.writeHead(200, { "content-length": 3 });
    response.write("o");
    abort.abort(new RangeError("enough"));
    return true;
  };
  expect(await rejection(pullFrom(registry, { signal: abort.signal }))).toContain("enough");
});

test("an unpacking that fails, fails the pull", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage(["one"], "latest");
  const onLayer = (): Promise<void> => Promise.reject(new RangeError("no space"));
  expect(await rejection(pullFrom(registry, { onLayer }))).toContain("no space");
});
