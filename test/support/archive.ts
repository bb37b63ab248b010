/**
 * Image archives that a test makes entry by entry: crafted ones, too.
 * @module
 */
import { createHash } from "node:crypto";
import { busyboxArchive } from "./image.ts";
import type { TestEngine } from "./engine.ts";
import { writeTar, type EntryInput } from "../../src/image/mod.ts";

/** The bytes of a tar archive. */
export async function tarOf(entries: readonly EntryInput[]): Promise<Buffer> {
  // Some crafted entries have content that their type can't have: a header alone says the same.
  const writable = entries.map((entry) =>
    entry.type === "file" ? entry : { ...entry, body: undefined, size: 0 },
  );
  return Buffer.concat(await Array.fromAsync(writeTar(writable)));
}

/** What a crafted image says beside its layers. */
export interface ImageShape {
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A docker-archive (`docker save`) of an image `name` with busybox below `layers`. */
export async function dockerArchive(
  name: string,
  layers: readonly (readonly EntryInput[])[],
  shape: ImageShape = {},
): Promise<Buffer> {
  const blobs = [busyboxArchive(), ...(await Promise.all(layers.map(tarOf)))];
  const digests = blobs.map((blob) => createHash("sha256").update(blob).digest("hex"));
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Env: ["PATH=/bin"], Cmd: ["sh"], ...shape.config },
      rootfs: { type: "layers", diff_ids: digests.map((digest) => `sha256:${digest}`) },
      history: digests.map((digest) => ({
        created: "2026-01-01T00:00:00Z",
        created_by: `layer ${digest.slice(0, 4)}`,
      })),
    }),
  );
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  const manifest = [
    {
      Config: configName,
      RepoTags: [name.includes(":") ? name : `${name}:latest`],
      Layers: digests.map((digest) => `${digest}/layer.tar`),
    },
  ];
  return tarOf([
    ...blobs.map((blob, n) => fileEntry(`${digests[n]}/layer.tar`, blob)),
    fileEntry(configName, config),
    fileEntry("manifest.json", Buffer.from(JSON.stringify(manifest))),
  ]);
}

/** A file of an archive that everybody may read. */
export function fileEntry(path: string, body: Uint8Array): EntryInput {
  return { type: "file", path, mode: 0o644, size: body.length, body };
}

/** Loads an archive; the answer's error, or undefined. */
export async function load(engine: TestEngine, archive: Uint8Array): Promise<string | undefined> {
  const { body } = await engine.request("POST", "/images/load?quiet=1", archive);
  for (const line of body.toString("utf8").trim().split("\n")) {
    const message = JSON.parse(line) as { readonly error?: string; readonly message?: string };
    const error = message.error ?? message.message;
    if (error !== undefined) return error;
  }
  return undefined;
}

/** Loads an image of busybox with `entries` on top; it must be taken. */
export async function loadImage(
  engine: TestEngine,
  name: string,
  entries: readonly EntryInput[],
  shape: ImageShape = {},
): Promise<void> {
  const error = await load(engine, await dockerArchive(name, entries.length === 0 ? [] : [entries], shape));
  if (error !== undefined) throw new Error(`load ${name}: ${error}`);
}
