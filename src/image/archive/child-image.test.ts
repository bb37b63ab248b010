import { expect, test } from "bun:test";
import { parseImageConfig, type ImageConfig } from "../config.ts";
import { MemoryStore } from "../content/memory.ts";
import { writeTar } from "../tar/writer.ts";
import { storeChildImage } from "./child-image.ts";

const diffId = `sha256:${"a".repeat(64)}`;
const parent = {
  config: {
    architecture: "arm64",
    variant: "v8",
    os: "linux",
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created: "2026-01-01T00:00:00Z", comment: "below" }],
  } satisfies ImageConfig,
  layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: diffId, size: 7 }],
};
const step = { parent, config: { Cmd: ["new"] }, created: "2026-02-01T00:00:00Z", createdBy: "sh -c x" };

async function stored(change: Partial<Parameters<typeof storeChildImage>[1]>): Promise<ImageConfig> {
  const store = new MemoryStore();
  const { config } = await storeChildImage(store, { ...step, ...change });
  return parseImageConfig(await store.bytes(config.digest, 1 << 20), "image");
}

test("a layer more, and a line of history", async () => {
  const layer = writeTar([{ type: "file", path: "f", size: 1, body: Buffer.from("x") }]);
  const image = await stored({ layer, author: "me", comment: "why" });
  expect(image.rootfs.diff_ids.length).toBe(2);
  expect(image.rootfs.diff_ids[0]).toBe(diffId);
  expect(image).toMatchObject({ architecture: "arm64", variant: "v8", author: "me", comment: "why" });
  expect(image.config).toEqual({ Cmd: ["new"] });
  expect(image.history[1]).toEqual({
    created: step.created,
    created_by: "sh -c x",
    author: "me",
    comment: "why",
  });
});

test("nothing that was written is no layer", async () => {
  for (const change of [{ layer: writeTar([]) }, {}]) {
    const image = await stored(change);
    expect(image.rootfs.diff_ids).toEqual([diffId]);
    expect(image.history[1]).toMatchObject({ empty_layer: true });
  }
});

test("a stream that breaks off stores nothing", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(512);
    throw new TypeError("gone");
  }
  const store = new MemoryStore();
  expect(storeChildImage(store, { ...step, layer: broken() })).rejects.toThrow("gone");
});
