/**
 * Images: references, content, archives and layers. The only file of this folder that others import.
 * @module
 */
export { storeChildImage, type ChildImage } from "./archive/child-image.ts";
export { compressLayers, isPlainLayer, type CompressedImage } from "./archive/compress-layers.ts";
export { applyChanges } from "./archive/changes.ts";
export { importRootfs, type ImportOptions } from "./archive/import.ts";
export { openRemoteArchive } from "./archive/remote.ts";
export { readImageArchive, type LoadedImage, type LoadOptions } from "./archive/load.ts";
export type { ArchiveLimits } from "./archive/members.ts";
export { writeImageArchive, type SavedImage } from "./archive/save.ts";
export {
  parseImageConfig,
  type HealthConfig,
  type HistoryEntry,
  type ImageConfig,
  type ImageRunConfig,
} from "./config.ts";
export { openLayout } from "./content/layout.ts";
export type {
  BlobInfo,
  BlobWriter,
  ByteRange,
  ContentSink,
  ContentStore,
  Descriptor,
  StagedBlob,
  StageWriter,
} from "./content/store.ts";
export { chainIds, digestOf, parseDigest, type DigestAlgorithm, type DigestParts } from "./digest.ts";
export { layerChanges, pathText, type LayerChange, type LayerLimits, type Path } from "./layer.ts";
export type { BlobSource, StoredImage } from "./manifest.ts";
export {
  canonicalReference,
  checkTaggable,
  familiarName,
  familiarReference,
  parseImageQuery,
  parseReference,
  withDefaultTag,
  withTag,
  type ImageQuery,
  type Reference,
} from "./reference.ts";
export {
  decompress,
  type Compression,
  type Decompressed,
  type DecompressOptions,
} from "./tar/compression.ts";
export type { Entry, EntryType, Segment, Timestamp } from "./tar/entry.ts";
export { baseName, keepEnding, splitPath } from "./tar/resource-names.ts";
export { decodeName, encodeName } from "./tar/name.ts";
export { readTar, type TarEntry, type TarReadOptions } from "./tar/reader.ts";
export { encodeEntry, endOfArchive, writeTar, type EntryInput } from "./tar/writer.ts";
