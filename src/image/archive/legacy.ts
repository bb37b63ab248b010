/**
 * What Docker before 1.10 wrote: `repositories` with names, and for each layer a folder with `json` (the image as of
 * this layer, with its parent's ID) and `layer.tar`. The configuration is made as Docker's migration made it.
 * @module
 */
import { failure, type CaissonError } from "../../errors/mod.ts";
import { Fields, ociConfigType, parseImageConfig, parseJson, type HistoryEntry } from "../config.ts";
import { digestOf } from "../digest.ts";
import { parseReference, withTag, type Reference } from "../reference.ts";
import { configLimit } from "../registry/manifest.ts";
import { makeManifest } from "../manifest.ts";
import type { ArchiveContext, FoundImage } from "./found.ts";
import type { CheckedLayer } from "./layers.ts";

const idForm = /^[a-f0-9]{64}$/;
/** Docker's limit for the layers of an image. */
const mostLayers = 125;

/** The images that `repositories` names. */
export async function readLegacyImages(context: ArchiveContext): Promise<FoundImage[]> {
  const images: FoundImage[] = [];
  for (const [id, tags] of await readRepositories(context)) images.push(await readImage(id, tags, context));
  return images;
}

async function readRepositories(context: ArchiveContext): Promise<Map<string, Reference[]>> {
  const { fields, names } = await readObject("repositories", context);
  const ids = new Map<string, Reference[]>();
  for (const name of names)
    for (const [tag, id] of Object.entries(fields.labels(name) ?? {}))
      ids.set(id, [...(ids.get(id) ?? []), withTag(parseReference(name), tag)]);
  if (ids.size === 0) throw bad(context, "repositories")("it names no images");
  return ids;
}

async function readImage(
  top: string,
  tags: readonly Reference[],
  context: ArchiveContext,
): Promise<FoundImage> {
  const layers: CheckedLayer[] = [];
  const history: HistoryEntry[] = [];
  let newest: Readonly<Record<string, unknown>> | undefined;
  for (let id: string | undefined = top; id !== undefined;) {
    if (!idForm.test(id) || layers.length === mostLayers)
      throw bad(context, id)("it is not an image of this format");
    const { fields, document } = await readObject(`${id}/json`, context);
    newest ??= document;
    const name = `${id}/layer.tar`;
    const blob = context.members.require(name);
    layers.unshift(await context.layers.check(blob, `${context.what}: ${name}`));
    history.unshift(historyOf(fields));
    id = fields.text("parent") || undefined;
  }
  const {
    id: _id,
    parent: _parent,
    Size: _size,
    layer_id: _layer,
    throwaway: _throwaway,
    ...kept
  } = newest ?? {};
  const rootfs = { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) };
  const bytes = Buffer.from(JSON.stringify({ ...kept, rootfs, history }));
  const descriptor = { mediaType: ociConfigType, digest: digestOf(bytes), size: bytes.length };
  const config = { descriptor, bytes };
  const image = parseImageConfig(bytes, `${context.what}: ${top}/json`);
  return {
    image,
    tags,
    config,
    manifest: makeManifest(
      descriptor,
      layers.map((layer) => layer.descriptor),
    ),
    layers,
  };
}

function historyOf(fields: Fields): HistoryEntry {
  const command = fields.object("container_config")?.texts("Cmd")?.join(" ");
  return {
    created: fields.text("created"),
    ...(command === undefined ? {} : { created_by: command }),
    author: fields.text("author"),
    comment: fields.text("comment"),
  };
}

interface ReadObject {
  readonly fields: Fields;
  readonly document: Readonly<Record<string, unknown>>;
  readonly names: readonly string[];
}

async function readObject(name: string, context: ArchiveContext): Promise<ReadObject> {
  const blob = context.members.require(name);
  const bytes = await context.members.document(blob, configLimit, `${context.what}: ${name}`);
  const value = parseJson(bytes, bad(context, name));
  const fields = new Fields(value, "", bad(context, name));
  const document = value as Readonly<Record<string, unknown>>;
  return { fields, document, names: Object.keys(document) };
}

function bad({ what }: ArchiveContext, name: string): (reason: string) => CaissonError {
  return (reason) => failure("bad-archive", { what: `${what}: ${name}`, reason });
}
