/**
 * Docker's archive format: `manifest.json` lists each image's configuration, layers and names
 * (github.com/moby/docker-image-spec). Since Docker 25 the files are those of an OCI layout, too.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { Fields, ociConfigType, parseImageConfig, parseJson } from "../config.ts";
import { parseReference, type Reference } from "../reference.ts";
import { configLimit, manifestLimit } from "../registry/manifest.ts";
import { describe, makeManifest } from "../manifest.ts";
import type { ArchiveContext, FoundImage } from "./found.ts";
import { checkDiffIds, type CheckedLayer } from "./layers.ts";
import { ociManifests, type OriginalManifest } from "./oci-archive.ts";

/** The images of an archive with a `manifest.json`. */
export async function readDockerImages(context: ArchiveContext): Promise<FoundImage[]> {
  const items = await readItems(context);
  const originals = await ociManifests(context);
  const found: FoundImage[] = [];
  for (const item of items) found.push(await readItem(item, context, originals));
  return found;
}

interface Item {
  readonly config: string;
  readonly layers: readonly string[];
  readonly tags: readonly string[];
}

async function readItems({ members, what }: ArchiveContext): Promise<Item[]> {
  const bad = (reason: string): ReturnType<typeof failure> =>
    failure("bad-archive", { what: `${what}: manifest.json`, reason });
  const bytes = await members.document(members.require("manifest.json"), manifestLimit, what);
  const list = parseJson(bytes, bad);
  if (!Array.isArray(list)) throw bad("it is not a list");
  return list.map((value: unknown, index) => {
    const fields = new Fields(value, `[${index}].`, bad);
    const config = fields.text("Config");
    if (config === undefined) throw bad(`[${index}] has no Config`);
    return { config, layers: fields.texts("Layers") ?? [], tags: fields.texts("RepoTags") ?? [] };
  });
}

async function readItem(
  item: Item,
  { members, layers, what }: ArchiveContext,
  originals: ReadonlyMap<string, readonly OriginalManifest[]>,
): Promise<FoundImage> {
  const configBlob = members.require(item.config);
  const configBytes = await members.document(configBlob, configLimit, `${what}: ${item.config}`);
  const image = parseImageConfig(configBytes, `${what}: ${item.config}`);
  const own: CheckedLayer[] = [];
  for (const name of item.layers) own.push(await layers.check(members.require(name), `${what}: ${name}`));
  checkDiffIds(own, image.rootfs.diff_ids, what);
  const config = { descriptor: describe(ociConfigType, configBlob), bytes: configBytes };
  const manifest = originals.get(configBlob.digest)?.find((original) => isOf(original, own));
  return {
    image,
    tags: item.tags.map(parseTag),
    config,
    manifest:
      manifest ??
      makeManifest(
        config.descriptor,
        own.map(({ descriptor }) => descriptor),
      ),
    layers: own,
  };
}

function isOf(original: OriginalManifest, layers: readonly CheckedLayer[]): boolean {
  return (
    original.layers.length === layers.length &&
    layers.every(({ descriptor }, index) => descriptor.digest === original.layers[index]?.digest)
  );
}

function parseTag(text: string): Reference {
  const reference = parseReference(text);
  if (reference.tag === undefined) throw failure("invalid-parameter", { message: `invalid tag "${text}"` });
  return reference;
}
