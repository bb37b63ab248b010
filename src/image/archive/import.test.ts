import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { MemoryStore } from "../content/memory.ts";
import { digestOf } from "../digest.ts";
import { writeTar } from "../tar/writer.ts";
import { inChunks, joined, rejection } from "../testing.ts";
import { tarOf } from "./build-archive.ts";
import { importRootfs } from "./import.ts";

const rootfs = await tarOf({ "bin/sh": "x", "etc/passwd": "root" });

test("a root file system becomes an image of one layer, compressed or not", async () => {
  for (const bytes of [rootfs, gzipSync(rootfs)]) {
    const store = new MemoryStore();
    const loaded = await importRootfs(inChunks(bytes, 500), store, {
      changes: ['CMD ["/bin/sh"]'],
      message: "by hand",
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
      created: new Date(0),
    });
    expect(loaded.image).toEqual({
      architecture: "arm64",
      variant: "v8",
      comment: "by hand",
      config: { Cmd: ["/bin/sh"] },
      created: "1970-01-01T00:00:00.000Z",
      history: [{ created: "1970-01-01T00:00:00.000Z", comment: "by hand" }],
      os: "linux",
      rootfs: { type: "layers", diff_ids: [digestOf(rootfs)] },
    });
    expect(JSON.parse(Buffer.from(await store.bytes(loaded.config.digest, 9999)).toString())).toEqual(
      loaded.image,
    );
    expect((await store.bytes(digestOf(rootfs), 99_999)).length).toBe(rootfs.length);
    expect(JSON.parse(Buffer.from(await store.bytes(loaded.manifest.digest, 9999)).toString())).toMatchObject(
      {
        config: loaded.config,
        layers: [{ digest: digestOf(rootfs), size: rootfs.length }],
      },
    );
  }
});

test("no bytes are an empty root file system, as for Docker", async () => {
  const { image } = await importRootfs(inChunks(Buffer.alloc(0), 1), new MemoryStore());
  expect([image.comment, image.rootfs.diff_ids]).toEqual(["Imported from -", [digestOf("")]]);
});

test("what is no archive, leaves its root or has wrong instructions is refused and not stored", async () => {
  const store = new MemoryStore();
  const evil = await joined(writeTar([{ type: "file", path: "../x" }]));
  for (const bytes of [Buffer.from("x".repeat(600)), evil, rootfs.subarray(0, 513)])
    expect(await rejection(importRootfs(inChunks(bytes, 100), store))).toMatchObject({ code: "bad-archive" });
  expect(await rejection(importRootfs(inChunks(rootfs, 100), store, { changes: ["RUN x"] }))).toMatchObject({
    code: "invalid-parameter",
  });
  expect(await rejection(importRootfs(inChunks(rootfs, 100), store, { limit: 600 }))).toMatchObject({
    code: "bad-archive",
  });
  expect(await Array.fromAsync(store.list())).toEqual([]);
});
