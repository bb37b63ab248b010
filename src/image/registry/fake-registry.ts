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
    if (request.method !== "GET" && request.method !== "HEAD") return void this.#store(request, response);
    if (this.#uploads.has(request.url ?? "")) return this.#tell(request.url ?? "", response, 204);
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

  /** Uploads that have begun, by their path: what has come. */
  readonly #uploads: Map<string, Buffer> = new Map<string, Buffer>();
  /** After so many bytes of an upload the connection breaks, once. */
  cut: number = Number.POSITIVE_INFINITY;
  /** Blobs by the repositories that may be mounted from. */
  readonly mounts: Map<string, Set<string>> = new Map<string, Set<string>>();

  #tell(path: string, response: ServerResponse, status: number): void {
    const length = this.#uploads.get(path)?.length ?? 0;
    response.writeHead(status, { location: path, range: `0-${Math.max(0, length - 1)}` }).end();
  }

  async #store(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.url);
    const digest = url.searchParams.get("digest");
    const mount = url.searchParams.get("mount");
    const got = this.#uploads.get(url.pathname) ?? Buffer.alloc(0);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) {
        pieces.push(piece as Buffer);
        if (request.method !== "PATCH" || Buffer.concat(pieces).length < this.cut) continue;
        this.cut = Number.POSITIVE_INFINITY;
        this.#uploads.set(url.pathname, Buffer.concat([got, ...pieces]));
        return void request.socket.destroy();
      }
    } catch {
      // What came until it broke off stays.
    }
    const body = Buffer.concat(pieces);
    if (request.method === "POST" && mount !== null) {
      if (this.mounts.get(url.searchParams.get("from") ?? "")?.has(mount) === true)
        return void response.writeHead(201, { location: "/", "docker-content-digest": mount }).end();
    }
    if (request.method === "POST") {
      const path = `${url.pathname}${this.#uploads.size}`;
      this.#uploads.set(path, Buffer.alloc(0));
      return this.#tell(path, response, 202);
    }
    if (request.method === "PATCH") {
      this.#uploads.set(url.pathname, Buffer.concat([got, body]));
      return this.#tell(url.pathname, response, 202);
    }
    const manifest = /^\/v2\/.+\/manifests\/([^/]+)$/.exec(url.pathname)?.[1];
    if (manifest !== undefined) {
      const type = request.headers["content-type"] ?? "";
      for (const name of [manifest, digestOf(body)]) this.manifests.set(name, { type, body });
      return void response.writeHead(201, { "docker-content-digest": digestOf(body) }).end();
    }
    if (digest === null || digestOf(got) !== digest) {
      response.writeHead(400, { "content-type": "application/json" });
      const error = { code: "DIGEST_INVALID", message: "provided digest did not match uploaded content" };
      return void response.end(JSON.stringify({ errors: [error] }));
    }
    this.blobs.set(digest, got);
    response.writeHead(201, { "docker-content-digest": digest }).end();
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
