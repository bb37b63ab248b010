/**
 * A registry on loopback for tests, as good or as evil as a test wants it.
 * @module
 */
import { messageOf } from "../../errors/mod.ts";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { digestOf } from "../digest.ts";
import type { Descriptor, Platform, RegistryReference } from "./types.ts";

/** Answers a request itself if it returns true. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

const types = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

/** One running registry; `await using` ends it. */
export class FakeRegistry implements AsyncDisposable {
  /** By digest. */
  readonly blobs: Map<string, Buffer> = new Map<string, Buffer>();
  /** By tag and by digest. */
  readonly manifests: Map<string, { type: string; body: Buffer }> = new Map<
    string,
    { type: string; body: Buffer }
  >();
  /** `GET /path` of every request so far. */
  readonly log: string[] = [];
  /** The `Authorization` header of every request so far. */
  readonly authorizations: (string | undefined)[] = [];
  intercept: Intercept = () => false;
  /** Whether `Range` is honoured. */
  ranges = true;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts a registry on a free port of 127.0.0.1. */
  static async start(): Promise<FakeRegistry> {
    const server = createServer();
    const registry = new FakeRegistry(server);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      registry.log.push(`${request.method ?? ""} ${request.url ?? ""}`);
      registry.authorizations.push(request.headers.authorization);
      if (!registry.intercept(request, response)) registry.#serve(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  /** `127.0.0.1:port` */
  get host(): string {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
  }

  get url(): string {
    return `http://${this.host}`;
  }

  reference(tagOrDigest = "latest", repository = "test/app"): RegistryReference {
    const named = tagOrDigest.includes(":") ? { digest: tagOrDigest } : { tag: tagOrDigest };
    return { registry: this.host, repository, ...named };
  }

  addBlob(content: string | Buffer, mediaType: string = types.layer): Descriptor {
    const body = Buffer.from(content);
    const digest = digestOf(body);
    this.blobs.set(digest, body);
    return { mediaType, digest, size: body.length };
  }

  addManifest(document: object, type: string = types.manifest, tag?: string): Descriptor {
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, ...document }));
    const digest = digestOf(body);
    for (const name of [digest, tag]) if (name !== undefined) this.manifests.set(name, { type, body });
    return { mediaType: type, digest, size: body.length };
  }

  /** Adds an image with the given layers. */
  addImage(layers: readonly (string | Buffer)[], tag?: string, config = "{}"): Descriptor {
    return this.addManifest(
      { config: this.addBlob(config, types.config), layers: layers.map((layer) => this.addBlob(layer)) },
      types.manifest,
      tag,
    );
  }

  addIndex(entries: readonly [Descriptor, Platform][], tag: string): Descriptor {
    const manifests = entries.map(([descriptor, platform]) => ({ ...descriptor, platform }));
    return this.addManifest({ manifests }, types.index, tag);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const [, kind, name = ""] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? "") ?? [];
    if (request.url === "/v2/") return void response.end("{}");
    const manifest = kind === "manifests" ? this.manifests.get(name) : undefined;
    const blob = kind === "blobs" ? this.blobs.get(name) : undefined;
    if (manifest !== undefined) {
      response.writeHead(200, { "content-type": manifest.type, "content-length": manifest.body.length });
      return void response.end(manifest.body);
    }
    if (blob !== undefined) return this.sendBlob(request, response, blob);
    const code = kind === "blobs" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replace("_", " ") }] }));
  }

  /** Sends a blob, the part that the request asks for if `ranges` are on. */
  sendBlob(request: IncomingMessage, response: ServerResponse, blob: Buffer): void {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from === 0 || !this.ranges) {
      response.writeHead(200, { "content-length": blob.length });
      return void response.end(blob);
    }
    if (from >= blob.length) return void response.writeHead(416).end();
    response.writeHead(206, {
      "content-length": blob.length - from,
      "content-range": `bytes ${from}-${blob.length - 1}/${blob.length}`,
    });
    response.end(blob.subarray(from));
  }
}

/** The text of the error that the promise fails with; empty if it doesn't fail. */
export function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "", messageOf);
}
