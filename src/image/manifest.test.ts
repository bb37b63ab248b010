import { expect, test } from "bun:test";
import { MemoryStore } from "./content/memory.ts";
import { describe, makeManifest, ociLayerType, storeImage } from "./manifest.ts";

test("the manifest that is made is the one that dockerd 28 makes", () => {
  const layer = describe(ociLayerType, {
    digest: "sha256:26c41ae50c8b4f961f9229df8ac0636cd5e0a66654edf4201f0be99146fce947",
    size: 1_996_800,
  });
  const config = describe("application/vnd.oci.image.config.v1+json", {
    digest: "sha256:fb303951dd268863dd839aa7a0fd67112b797926fbfe10b06395b60a274fd2bb",
    size: 1075,
  });
  const { descriptor } = makeManifest(config, [layer]);
  expect(descriptor.digest).toBe("sha256:759cbee581a9fd1aafaf04c24ac1634baa33703347640e20c43005ba6b1a57f2");
});

test("an image's documents are stored", async () => {
  const store = new MemoryStore();
  const layer = describe(ociLayerType, await store.put(Buffer.from("layer")));
  const image = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["x"] },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    history: [],
  } as const;
  const stored = await storeImage(store, image, [layer]);
  const read = async (digest: string): Promise<unknown> =>
    JSON.parse(Buffer.from(await store.bytes(digest, 9999)).toString());
  expect(await read(stored.config.digest)).toEqual(image);
  expect(await read(stored.manifest.digest)).toMatchObject({ config: stored.config, layers: [layer] });
});
