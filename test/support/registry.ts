/**
 * A registry in an engine's network namespace, of images that a test makes: `bun registry.ts PORT FOLDER` serves what the
 * class below wrote.
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { eventually } from "./containers.ts";
import type { TestEngine } from "./engine.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const digestOf = (body: Uint8Array): string => `sha256:${createHash("sha256").update(body).digest("hex")}`;

/** A registry that serves what is added to it. */
export class LocalRegistry implements Disposable {
  readonly host: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(engine: TestEngine, port: number) {
    this.host = `127.0.0.1:${port}`;
    this.#folder = join(engine.directory, "registry");
    mkdirSync(this.#folder);
    this.#process = engine.spawnInside(process.execPath, [import.meta.path, String(port), this.#folder]);
  }

  /** Starts one; resolves when it answers. */
  static async start(engine: TestEngine, port = 5000): Promise<LocalRegistry> {
    const registry = new LocalRegistry(engine, port);
    await eventually("a registry", () => {
      return (
        engine.runInside("sh", ["-c", `grep -q ':${port.toString(16).toUpperCase()} ' /proc/net/tcp`])
          .code === 0
      );
    });
    return registry;
  }

  /** Adds an image of uncompressed layers; its name. */
  add(tag: string, config: Readonly<Record<string, unknown>>, layers: readonly Uint8Array[]): string {
    const rootfs = { type: "layers", diff_ids: layers.map(digestOf) };
    const architecture = process.arch === "arm64" ? "arm64" : "amd64";
    const image = Buffer.from(JSON.stringify({ architecture, os: "linux", config, rootfs }));
    const described = (body: Uint8Array, type: string): object => {
      writeFileSync(join(this.#folder, digestOf(body)), body);
      return { mediaType: `application/vnd.oci.image.${type}`, digest: digestOf(body), size: body.length };
    };
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: described(image, "config.v1+json"),
        layers: layers.map((layer) => described(layer, "layer.v1.tar")),
      }),
    );
    for (const name of [tag, digestOf(manifest)])
      writeFileSync(join(this.#folder, `manifest-${name}`), manifest);
    return `${this.host}/test:${tag}`;
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

/** Answers as the distribution specification wants it, for pulls. */
function serve(port: number, folder: string): void {
  createServer((request, response) => {
    const [, kind, name = ""] = /^\/v2\/test\/(manifests|blobs)\/([\w.:-]+)$/.exec(request.url ?? "") ?? [];
    if (request.url === "/v2/") return void response.end("{}");
    try {
      const body = readFileSync(join(folder, kind === "manifests" ? `manifest-${name}` : name));
      const type = kind === "manifests" ? manifestType : "application/octet-stream";
      const headers = { "content-type": type, "content-length": body.length };
      response.writeHead(
        200,
        kind === "manifests" ? { ...headers, "docker-content-digest": digestOf(body) } : headers,
      );
      response.end(request.method === "HEAD" ? undefined : body);
    } catch {
      response.writeHead(404).end();
    }
  }).listen(port, "127.0.0.1");
}

if (import.meta.main) serve(Number(process.argv[2]), process.argv[3] ?? "");
