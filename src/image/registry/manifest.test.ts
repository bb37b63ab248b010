import { expect, test } from "bun:test";
import fc from "fast-check";
import { isFailure } from "../../errors/mod.ts";
import { isDigest, isForeign, parseManifest } from "./manifest.ts";

const digest = `sha256:${"a".repeat(64)}`;
const oci = "application/vnd.oci.image.manifest.v1+json";
const index = "application/vnd.oci.image.index.v1+json";
const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: 2 };
const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest, size: 3 };
const parse = (document: unknown, type: string | null = oci): ReturnType<typeof parseManifest> =>
  parseManifest("x:latest", type, new TextEncoder().encode(JSON.stringify(document)));
const image = { schemaVersion: 2, mediaType: oci, config, layers: [layer] };

test("an image manifest of OCI and of Docker", () => {
  expect(parse(image)).toMatchObject({ kind: "manifest", mediaType: oci, config, layers: [layer] });
  const docker = "application/vnd.docker.distribution.manifest.v2+json";
  const layers = [
    { ...layer, mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip" },
    {
      ...layer,
      mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      urls: ["https://x/", 1],
    },
  ];
  const parsed = parse({ ...image, mediaType: docker, layers }, `${docker}; charset=utf-8`);
  expect(parsed).toMatchObject({ kind: "manifest", mediaType: docker });
  if (parsed.kind !== "manifest") return;
  expect(parsed.layers.map(isForeign)).toEqual([false, true]);
  expect(parsed.layers[1]?.urls).toEqual(["https://x/"]);
});

test("an index keeps image manifests only, with platforms", () => {
  const entry = {
    mediaType: oci,
    digest,
    size: 4,
    platform: { os: "linux", architecture: "arm", variant: "v7" },
  };
  expect(
    parse({ schemaVersion: 2, manifests: [entry, { ...entry, mediaType: index }] }, index),
  ).toMatchObject({
    kind: "index",
    manifests: [entry],
  });
});

test("a vague header leaves the decision to the document; a document without a type is OCI", () => {
  expect(parse(image, "application/json").mediaType).toBe(oci);
  expect(parse({ config, layers: [] }, null).mediaType).toBe(oci);
  expect(parse({ manifests: [] }, null).kind).toBe("index");
});

const refused: [string, unknown, string | null][] = [
  ["both layers and manifests", { ...image, manifests: [] }, oci],
  ["both layers and manifests", { layers: [], manifests: [] }, index],
  ["neither config nor layers", { manifests: [], config }, index],
  ["was sent as", image, index],
  ["was sent as", { mediaType: index, manifests: [] }, oci],
  ["not supported", { config, layers: [] }, "text/html"],
  ["schema 1", { schemaVersion: 1, fsLayers: [] }, null],
  ["not a JSON object", [1], oci],
  ["not a JSON object", null, oci],
  ["config is not an object", { layers: [] }, oci],
  [
    "not an image",
    { ...image, config: { ...config, mediaType: "application/vnd.cncf.helm.config.v1+json" } },
    oci,
  ],
  ["its config has", { ...image, config: { ...config, size: 1e9 } }, oci],
  ["layer type", { ...image, layers: [{ ...layer, mediaType: "text/plain" }] }, oci],
  ["layers is not a list", { ...image, layers: {} }, oci],
  ["entries", { ...image, layers: Array.from({ length: 5000 }, () => layer) }, oci],
  ["digest", { ...image, layers: [{ ...layer, digest: "sha256:../../../etc/passwd" }] }, oci],
  ["digest", { ...image, layers: [{ ...layer, digest: `${digest}\n` }] }, oci],
  ["digest", { ...image, config: { ...config, digest: `sha256:${"A".repeat(64)}` } }, oci],
  ["size", { ...image, layers: [{ ...layer, size: -1 }] }, oci],
  ["size", { ...image, layers: [{ ...layer, size: 2 ** 60 }] }, oci],
  ["size", { ...image, layers: [{ ...layer, size: "3" }] }, oci],
];
for (const [why, document, type] of refused)
  test(`refused (${why}): ${JSON.stringify(document).slice(0, 60)}`, () => {
    expect(() => parse(document, type)).toThrow(why);
  });

test("bytes that are not JSON or not UTF-8 are refused", () => {
  for (const bytes of [new Uint8Array([0xff, 0xfe]), new TextEncoder().encode("{")])
    expect(() => parseManifest("x", oci, bytes)).toThrow("it is not JSON");
});

test("digests", () => {
  expect([digest, `sha512:${"0".repeat(128)}`].map(isDigest)).toEqual([true, true]);
  expect(["sha256:abc", "md5:abc", `sha256:${"g".repeat(64)}`, `x${digest}`, 1].map(isDigest)).toEqual(
    Array(5).fill(false),
  );
});

test("whatever a registry sends is parsed or refused, never another exception", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(oci, index, null), (value, type) => {
      for (const document of [value, { config: value, layers: value }, { manifests: [value] }])
        try {
          parse(document, type);
        } catch (error) {
          expect(isFailure(error, "bad-manifest")).toBe(true);
        }
    }),
  );
});
