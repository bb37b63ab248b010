import { expect, test } from "bun:test";
import fc from "fast-check";
import type { IncomingMessage, ServerResponse } from "node:http";
import { defaultLimits, type Limits } from "./answer.ts";
import { downloadBlob, type Download } from "./download.ts";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { MemorySink } from "./memory-sink.ts";
import { openSession } from "./session.ts";
import { Transport } from "./transport.ts";
import type { Descriptor } from "./types.ts";

const content = Buffer.from("0123456789".repeat(20_000));

async function prepare(
  registry: FakeRegistry,
  descriptor: Descriptor = registry.addBlob(content),
  limits: Limits = defaultLimits,
): Promise<Download & { sink: MemorySink; retries: number[] }> {
  const transport = new Transport({}, limits);
  const endpoint = { base: new URL(registry.url), mirror: false };
  const session = await openSession(transport, endpoint, registry.reference(), undefined);
  const retries: number[] = [];
  return {
    session,
    descriptor,
    sink: new MemorySink(),
    retry: { attempts: 3, pause: 1 },
    onRetry: (ms) => retries.push(ms),
    retries,
  };
}

/** Answers blob requests with `bytes` more each, then cuts the connection; of these, some may get lost. */
function cutting(registry: FakeRegistry, bytes: number): void {
  registry.intercept = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.includes("/blobs/") !== true) return false;
    const from = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0);
    if (from + bytes >= content.length) return false;
    const status = from === 0 ? 200 : 206;
    response.writeHead(status, {
      "content-length": content.length - from,
      ...(from === 0 ? {} : { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    response.write(content.subarray(from, from + bytes), () => setTimeout(() => response.destroy(), 5));
    return true;
  };
}

test("a broken transfer continues where it broke", async () => {
  await using registry = await FakeRegistry.start();
  const download = await prepare(registry);
  cutting(registry, 90_000);
  const ranges: (string | undefined)[] = [];
  const { intercept } = registry;
  registry.intercept = (request, response) => {
    ranges.push(request.headers.range);
    return intercept(request, response);
  };
  await downloadBlob({ ...download, retry: { attempts: 100, pause: 1 } });
  expect(download.sink.blobs.get(download.descriptor.digest)).toEqual(content);
  const starts = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? "bytes=0-")?.[1]));
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  expect(starts.at(-1)).toBeGreaterThanOrEqual(content.length - 90_000);
  expect(download.retries).toHaveLength(ranges.length - 1);
});

test("what was received survives the last failure, and the next download continues", async () => {
  await using registry = await FakeRegistry.start();
  const download = await prepare(registry);
  cutting(registry, 50_000);
  expect(await rejection(downloadBlob(download))).toContain("connection reset by peer");
  const partial = download.sink.partial.get(download.descriptor.digest) ?? Buffer.alloc(0);
  expect(partial.length).toBeGreaterThan(0);
  expect(partial).toEqual(content.subarray(0, partial.length));
  registry.intercept = () => false;
  registry.log.length = 0;
  await downloadBlob(download);
  expect(download.sink.blobs.get(download.descriptor.digest)).toEqual(content);
  expect(registry.log).toHaveLength(1);
});

test("a server that ignores Range costs bytes, not correctness", async () => {
  await using registry = await FakeRegistry.start();
  registry.ranges = false;
  const download = await prepare(registry);
  download.sink.partial.set(download.descriptor.digest, content.subarray(0, 123_457));
  const seen: number[] = [];
  await downloadBlob({ ...download, onProgress: (current) => seen.push(current) });
  expect(download.sink.blobs.get(download.descriptor.digest)).toEqual(content);
  expect(seen[0]).toBeGreaterThan(123_457);
});

test("a complete leftover needs no request at all; a wrong or too long one is dropped", async () => {
  await using registry = await FakeRegistry.start();
  const download = await prepare(registry);
  const { digest } = download.descriptor;
  registry.log.length = 0;
  download.sink.partial.set(digest, content);
  await downloadBlob(download);
  expect(registry.log).toEqual([]);
  for (const leftover of [
    Buffer.from("wrong"),
    Buffer.alloc(content.length + 1),
    Buffer.alloc(content.length),
  ]) {
    download.sink.blobs.clear();
    download.sink.partial.set(digest, leftover);
    await downloadBlob(download);
    expect(download.sink.blobs.get(digest)).toEqual(content);
  }
});

test("416 and a range that was not asked for start anew, once", async () => {
  await using registry = await FakeRegistry.start();
  const download = await prepare(registry);
  const { digest } = download.descriptor;
  for (const head of [{ "content-range": `bytes 7-9/${content.length}` }, {}]) {
    download.sink.partial.set(digest, content.subarray(0, 10));
    registry.intercept = (request, response) => {
      if (request.headers.range === undefined) return false;
      response.writeHead("content-range" in head ? 206 : 416, head).end("789");
      return true;
    };
    await downloadBlob(download);
    expect(download.sink.blobs.get(digest)).toEqual(content);
    download.sink.blobs.clear();
  }
});

test("a blob of another size is refused before or while it comes", async () => {
  await using registry = await FakeRegistry.start();
  const { digest, mediaType, size } = registry.addBlob(content);
  for (const wrong of [size - 1, size + 1]) {
    const download = await prepare(registry, { digest, mediaType, size: wrong });
    expect(await rejection(downloadBlob(download))).toContain("does not have the");
  }
  const download = await prepare(registry, { digest, mediaType, size: 1000 });
  registry.intercept = (_request, response) => {
    response.writeHead(200).write(content);
    return true;
  };
  expect(await rejection(downloadBlob(download))).toContain("longer than the 1000 bytes");
  expect(download.sink.blobs.size).toBe(0);
});

test("other content of the right size never becomes the blob", async () => {
  await using registry = await FakeRegistry.start();
  const download = await prepare(registry);
  registry.blobs.set(download.descriptor.digest, Buffer.alloc(content.length));
  expect(await rejection(downloadBlob(download))).toContain("was expected");
  expect([download.sink.blobs.size, download.sink.partial.size]).toEqual([0, 0]);
});

test("a server in trouble is asked again; one that drips is given up after as many attempts", async () => {
  await using registry = await FakeRegistry.start();
  const download = await prepare(registry);
  let troubles = 2;
  registry.intercept = (_request, response) => {
    troubles -= 1;
    if (troubles < 0) return false;
    response.writeHead(troubles === 0 ? 429 : 503, { "retry-after": "0" }).end();
    return true;
  };
  await downloadBlob(download);
  expect(download.retries).toEqual([0, 0]);
  const other = await prepare(registry, registry.addBlob(Buffer.alloc(100_000, 1)), {
    ...defaultLimits,
    stall: 100,
  });
  registry.intercept = (_request, response) => {
    response.writeHead(200, { "content-length": 100_000 }).write("\u0001");
    return true;
  };
  expect(await rejection(downloadBlob({ ...other, retry: { attempts: 2, pause: 1 } }))).toContain("Timeout");
});

test("a foreign layer comes from the registry, or from elsewhere only by https and off this machine", async () => {
  await using registry = await FakeRegistry.start();
  const mediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
  const layer = { ...registry.addBlob(content, mediaType), urls: [`${registry.url}/layer`] };
  await downloadBlob(await prepare(registry, layer));
  registry.blobs.clear();
  for (const url of [`${registry.url}/layer`, "file:///etc/passwd", "https://127.0.0.1/x", "https://u@h/x"]) {
    const download = await prepare(registry, { ...layer, urls: [url] });
    expect(await rejection(downloadBlob(download))).toContain("refusing a foreign layer's URL");
  }
});

test("an empty blob", async () => {
  await using registry = await FakeRegistry.start();
  const download = await prepare(registry, registry.addBlob(""));
  await downloadBlob(download);
  expect(download.sink.blobs.get(download.descriptor.digest)?.length).toBe(0);
});

test("whatever a server does and whatever was left before: the right blob or an error", async () => {
  await using registry = await FakeRegistry.start();
  const small = Buffer.from("abcdefghij".repeat(30));
  const descriptor = registry.addBlob(small);
  const behaviour = fc.record({
    status: fc.constantFrom(200, 206, 206, 206, 404, 416, 503),
    /** Added to where the answer starts and to what it says about that. */
    shift: fc.constantFrom(0, 0, 0, 0, 0, 1, -1),
    length: fc.nat({ max: 320 }),
    garbage: fc.constantFrom(false, false, false, true),
  });
  const leftover = fc.record({ length: fc.nat({ max: 310 }), garbage: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { maxLength: 6 }), leftover, async (behaviours, left) => {
      const download = await prepare(registry, descriptor);
      const part = left.garbage ? Buffer.alloc(left.length) : small.subarray(0, left.length);
      if (part.length > 0) download.sink.partial.set(descriptor.digest, part);
      const queue = [...behaviours];
      registry.intercept = (request, response) => {
        const next = queue.shift();
        if (next === undefined) return false;
        const asked = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0);
        const from = Math.max(0, (next.status === 206 ? asked : 0) + next.shift);
        const body = Buffer.from(small.subarray(from, from + next.length));
        if (next.garbage) body.fill(0);
        const range = `bytes ${from}-${small.length - 1}/${small.length}`;
        response.writeHead(next.status, next.status === 206 ? { "content-range": range } : {});
        response.end(body);
        return true;
      };
      const error = await rejection(downloadBlob(download));
      const blob = download.sink.blobs.get(descriptor.digest);
      expect(blob).toEqual(error === "" ? small : undefined);
      // And no failure spoils the next attempt.
      registry.intercept = () => false;
      await downloadBlob(download);
      expect(download.sink.blobs.get(descriptor.digest)).toEqual(small);
    }),
    { numRuns: 100 },
  );
});
