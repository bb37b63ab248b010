/**
 * Archives that are OCI image layouts: `index.json`, `blobs/<algorithm>/<hex>` (OCI image spec, "Image Layout").
 * @module
 */
import { failure, isFailure } from "../../errors/mod.ts";
import { parseImageConfig } from "../config.ts";
import { parseIndexEntries } from "../content/index-file.ts";
import type { Descriptor, StagedBlob } from "../content/store.ts";
import { parseDigest } from "../digest.ts";
import { parseReference, type Reference } from "../reference.ts";
import { configLimit, manifestLimit, parseManifest, type ImageManifest } from "../registry/manifest.ts";
import { selectManifest } from "../registry/platform.ts";
import { checkDiffIds, type CheckedLayer } from "./layers.ts";
import type { BlobSource } from "../manifest.ts";
import type { ArchiveContext, FoundImage } from "./found.ts";

/** An image manifest that the archive itself has, which is kept so that the image keeps its digest. */
export interface OriginalManifest extends BlobSource {
  readonly layers: readonly Descriptor[];
}

const nameAnnotation = "io.containerd.image.name";
const tagAnnotation = "org.opencontainers.image.ref.name";
/** Indexes may be nested so deep. */
const deepest = 4;

/** The images of an OCI layout; of an index, the one for the platform. Names of one image are put together. */
export async function readOciImages(context: ArchiveContext): Promise<FoundImage[]> {
  const found = new Map<string, FoundImage>();
  for (const entry of await readIndex(context)) {
    if (isAttestation(entry)) continue;
    const manifest = await findManifest(entry, context, 0);
    const tags = tagsOf(entry);
    const { digest } = manifest.source.descriptor;
    const known = found.get(digest);
    if (known === undefined) found.set(digest, await readImage(manifest, tags, context));
    else found.set(digest, { ...known, tags: [...known.tags, ...tags] });
  }
  if (found.size === 0) throw failure("bad-archive", { what: context.what, reason: "it has no images" });
  return [...found.values()];
}

/** The image manifests that the index of the archive names, if it has one, by the digest of their configurations. */
export async function ociManifests(
  context: ArchiveContext,
): Promise<ReadonlyMap<string, OriginalManifest[]>> {
  const manifests = new Map<string, OriginalManifest[]>();
  if (context.members.get("index.json") === undefined) return manifests;
  for (const entry of await readIndex(context)) {
    try {
      const { source, manifest } = await findManifest(entry, context, 0);
      const { digest } = manifest.config;
      manifests.set(digest, [...(manifests.get(digest) ?? []), { ...source, layers: manifest.layers }]);
    } catch (error) {
      // Docker's own list says what has to be there; this is for what else is.
      if (
        !isFailure(error, "bad-archive") &&
        !isFailure(error, "bad-manifest") &&
        !isFailure(error, "no-matching-manifest")
      )
        throw error;
    }
  }
  return manifests;
}

interface FoundManifest {
  readonly source: BlobSource;
  readonly manifest: ImageManifest;
}

async function readIndex({ members, what }: ArchiveContext): Promise<Descriptor[]> {
  const name = `${what}: index.json`;
  return parseIndexEntries(await members.document(members.require("index.json"), manifestLimit, name), name);
}

/** The image manifest that the descriptor is of, by indexes if need be. */
async function findManifest(
  entry: Descriptor,
  context: ArchiveContext,
  depth: number,
): Promise<FoundManifest> {
  const { digest, mediaType } = entry;
  const bytes = await readBlob(entry, manifestLimit, context);
  const document = parseManifest(`${context.what}: ${digest}`, mediaType, bytes);
  if (document.kind === "manifest")
    return { source: { descriptor: { mediaType, digest, size: bytes.length }, bytes }, manifest: document };
  if (depth === deepest)
    throw failure("bad-archive", { what: context.what, reason: "its indexes are nested too deep" });
  return await findManifest(selectManifest(document.manifests, context.platform), context, depth + 1);
}

async function readImage(
  { source, manifest }: FoundManifest,
  tags: readonly Reference[],
  context: ArchiveContext,
): Promise<FoundImage> {
  const { what } = context;
  const bytes = await readBlob(manifest.config, configLimit, context);
  const image = parseImageConfig(bytes, `${what}: ${manifest.config.digest}`);
  const layers: CheckedLayer[] = [];
  for (const descriptor of manifest.layers) {
    const checked = await context.layers.check(
      stagedBlob(descriptor, context),
      `${what}: ${descriptor.digest}`,
    );
    // The manifest is kept as it is, so its layers can't be stored in another form.
    if (checked.descriptor.digest !== descriptor.digest)
      throw failure("bad-archive", {
        what: `${what}: ${descriptor.digest}`,
        reason: `it is not ${descriptor.mediaType}`,
      });
    layers.push(checked);
  }
  checkDiffIds(layers, image.rootfs.diff_ids, what);
  return { image, tags, config: { descriptor: manifest.config, bytes }, manifest: source, layers };
}

async function readBlob(descriptor: Descriptor, limit: number, context: ArchiveContext): Promise<Uint8Array> {
  return await context.members.document(
    stagedBlob(descriptor, context),
    limit,
    `${context.what}: ${descriptor.digest}`,
  );
}

/** The blob of a descriptor, whose content must be what its name and the descriptor say. */
function stagedBlob({ digest, size }: Descriptor, { members, what }: ArchiveContext): StagedBlob {
  const { algorithm, hex } = parseDigest(digest);
  if (algorithm !== "sha256")
    throw failure("bad-archive", { what, reason: `digests by ${algorithm} are not supported` });
  const name = `blobs/${algorithm}/${hex}`;
  const blob = members.require(name);
  if (blob.digest !== digest)
    throw failure("digest-mismatch", { what: `${what}: ${name}`, expected: digest, actual: blob.digest });
  if (blob.size !== size) {
    const reason = `it has ${blob.size} bytes instead of ${size}`;
    throw failure("bad-archive", { what: `${what}: ${name}`, reason });
  }
  return blob;
}

function isAttestation({ annotations, platform }: Descriptor): boolean {
  return annotations?.["vnd.docker.reference.type"] !== undefined || platform?.os === "unknown";
}

/** The image's names: in full as containerd and Docker write it, or as skopeo does. A bare tag names nothing. */
function tagsOf({ annotations }: Descriptor): Reference[] {
  const name = annotations?.[nameAnnotation] ?? annotations?.[tagAnnotation];
  if (typeof name !== "string" || !/[:/]/.test(name)) return [];
  try {
    const reference = parseReference(name);
    return reference.tag === undefined ? [] : [reference];
  } catch (error) {
    if (isFailure(error, "invalid-reference")) return [];
    throw error;
  }
}
