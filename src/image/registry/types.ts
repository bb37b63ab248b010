/**
 * What the registry client and its callers exchange: descriptors, references, credentials, the sink that blobs go to,
 * and the events of a pull. Nothing here does I/O.
 * @module
 */

/** A content descriptor (OCI image spec, "Content Descriptors"). `size` is in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:<64 hex>` or `sha512:<128 hex>`, checked. */
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where a foreign layer can be had besides the registry. */
  readonly urls?: readonly string[];
}

/** An operating system and a processor, in the words of Go's GOOS and GOARCH (OCI image spec, "Image Index"). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v7`, `v8`, …; absent where the architecture has no variants or the usual one is meant. */
  readonly variant?: string;
  readonly osVersion?: string;
}

/** A parsed reference: `busybox` is `{registry: "docker.io", repository: "library/busybox", tag: "latest"}`. */
export interface RegistryReference {
  /** Host with an optional port; `docker.io` for Docker's own registry. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  /** Wins over `tag`. */
  readonly digest?: string;
}

/** Credentials as Docker's `X-Registry-Auth` holds them; the first of registry token, identity token, password wins. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  /** An OAuth2 refresh token. */
  readonly identitytoken?: string;
  /** A bearer token that is sent to the registry as it is. */
  readonly registrytoken?: string;
}

/** Where downloaded blobs go. */
export interface ContentSink {
  /** Whether the whole blob is there already. */
  has(digest: string): boolean | Promise<boolean>;
  /** Opens the blob for writing, after what an earlier, broken download left. */
  writer(digest: string, size: number): Promise<BlobWriter>;
}

/** One blob being written. Exactly one of `commit` and `abort` ends it. */
export interface BlobWriter {
  /** Bytes that were there when it was opened. */
  readonly offset: number;
  /** Appends. The chunk is the sink's until the promise resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Checks the digest and publishes the blob; fails with `digest-mismatch`, and then keeps nothing of it. */
  commit(): Promise<void>;
  /** Gives up; with `keepPartial` the next writer continues from here. */
  abort(keepPartial: boolean): Promise<void>;
}

/** What the engine's configuration says about registries (daemon.json's names). */
export interface RegistryConfig {
  /** `insecure-registries`: hosts, `host:port`, or networks in CIDR form. Loopback always counts as insecure. */
  readonly insecureRegistries?: readonly string[];
  /** `registry-mirrors` of docker.io: base URLs, tried in order before Docker's own registry. */
  readonly mirrors?: readonly string[];
  /** Certificates for a host (`/etc/docker/certs.d`), PEM. */
  readonly tls?: (host: string) => TlsMaterial | undefined;
  readonly userAgent?: string;
}

/** TLS certificates for one host, PEM: trusted issuers and the client's own. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The states of a layer in Docker's words. */
export type LayerStatus =
  | "Pulling fs layer"
  | "Waiting"
  | "Downloading"
  | "Retrying"
  | "Verifying Checksum"
  | "Download complete"
  | "Already exists"
  | "Extracting"
  | "Pull complete";

/** One step of a pull, as data; {@link ./progress.ts} has Docker's texts. */
export type PullEvent =
  | { readonly kind: "from"; readonly repository: string; readonly tag: string }
  | LayerEvent
  | { readonly kind: "digest"; readonly digest: string }
  | { readonly kind: "status"; readonly newer: boolean; readonly reference: string };

/** What happens to one layer. */
export interface LayerEvent {
  readonly kind: "layer";
  readonly digest: string;
  readonly status: LayerStatus;
  /** Bytes done, where the status has a progress. */
  readonly current?: number;
  readonly total?: number;
  /** With `Retrying`: seconds until the next attempt. */
  readonly seconds?: number;
}
