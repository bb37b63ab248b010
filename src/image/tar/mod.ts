/**
 * Tar archives as streams, for whoever needs nothing else of images.
 * @module
 */
export { decodeName, encodeName } from "./name.ts";
export { readTar, type TarEntry } from "./reader.ts";
export { baseName, keepEnding, meansContent } from "./resource-names.ts";
export { writeTar, type EntryInput } from "./writer.ts";
