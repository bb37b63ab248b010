/**
 * What is done with the files in a container's root: loaded when it is needed.
 * @module
 */
export { overlayChanges, type FileChange } from "./changes.ts";
export { extractInto, type ExtractOptions } from "./extract.ts";
export { treeEntries, type TreeEntriesOptions } from "./tree-entries.ts";
export { enterTop, followLinks, lookAt, lookThrough, type Look } from "./view-path.ts";
export { upperLayer } from "./upper-layer.ts";
