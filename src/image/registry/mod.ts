/**
 * The registry client: pulls images by the OCI distribution spec into a content sink.
 * @module
 */
export type { Limits } from "./answer.ts";
export { describeImage, listTags } from "./describe.ts";
export { login } from "./login.ts";
export { Limiter } from "./limiter.ts";
export { defaultRetry } from "./retry.ts";
export { isDigest, parseManifest, type ImageIndex, type ImageManifest } from "./manifest.ts";
export { formatPlatform, hostPlatform, isOfPlatform, normalize, parsePlatform } from "./platform.ts";
export { LayerProgress, progressMessage, shortDigest, type ProgressMessage } from "./progress.ts";
export { pull, type LocalState, type PullOptions } from "./pull.ts";
export { openRegistry, pushImage, type PushEvent } from "./push.ts";
export { searchIndex, type SearchResult } from "./search.ts";
export { rootDigest, type ResolvedImage, type StoredManifest } from "./resolve.ts";
export type { RetryPolicy } from "./retry.ts";
export type * from "./types.ts";
