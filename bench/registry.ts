/**
 * A registry beside an engine, in that engine's network namespace, and an image worth pulling: busybox with layers of
 * many small files, always the same bytes.
 * @module
 */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { failure } from "../src/errors/mod.ts";
import { peerEnvironment, peerProgram, type RunningEngine } from "./engines.ts";
import { firstLine } from "./harness.ts";
import { imageTar } from "./image.ts";
import { output, type Scratch } from "./scratch.ts";

/** Layers of files in the image, beside busybox. */
export const layers = 3;
/** Files in each of them. */
export const files = 2000;

/** Starts a registry on 127.0.0.1:5000 in the engine's network namespace. All share one storage. */
export async function startRegistry(scratch: Scratch, engine: RunningEngine): Promise<void> {
  const storage = scratch.make("registry.data");
  const configuration = join(scratch.folder, "registry.yml");
  writeFileSync(
    configuration,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${storage}}}\nhttp: {addr: "127.0.0.1:5000"}\n`,
  );
  const name = `registry.${engine.name}`;
  const enter = enterNetwork(engine);
  scratch.start(name, [...enter, peerProgram("docker-registry"), "serve", configuration]);
  for (let left = 100; ; left--) {
    try {
      await output([...enter, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5000"]);
      return;
    } catch (error) {
      if (left === 0)
        throw failure("internal", { message: `the registry does not listen: ${firstLine(error)}` }, error);
      await sleep(50);
    }
  }
}

/** Puts the image into the engine's registry. */
export async function pushImage(scratch: Scratch, engine: RunningEngine, reference: string): Promise<void> {
  const layout = await makeLayout(scratch);
  const copy = [peerProgram("skopeo"), "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"];
  const from = [...enterNetwork(engine), ...copy, `oci:${layout}:bench`];
  await output([...from, `docker://${reference}`], { env: peerEnvironment() });
}

/** What goes before a command that is to run in an engine's network namespace. */
function enterNetwork({ pid }: RunningEngine): string[] {
  return ["nsenter", "--target", String(pid), "--net"];
}

/** An archive of busybox and one layer's files, not compressed. */
export async function archiveFile(scratch: Scratch): Promise<string> {
  const archive = join(scratch.folder, "archive.tar");
  if (existsSync(archive)) return archive;
  const made = `${archive}.new`;
  copyFileSync(await imageTar(scratch), made);
  await output(["tar", "-C", fileTree(scratch, 0), "-rf", made, "layer0"]);
  await output(["mv", made, archive]);
  return archive;
}

/** A folder with one layer's files; made once. */
function fileTree(scratch: Scratch, layer: number): string {
  const root = join(scratch.folder, `layer${layer}`);
  if (existsSync(root)) return root;
  for (let i = 0; i < files; i++) {
    const folder = join(root, `layer${layer}`, `d${Math.floor(i / 50)}`);
    if (i % 50 === 0) mkdirSync(folder, { recursive: true });
    const seed = createHash("sha512").update(`${layer} ${i}`).digest();
    // 500 to 8,500 bytes that compress about as text does.
    const length = 500 + (seed.readUInt16LE(0) % 8000);
    writeFileSync(join(folder, `f${i}`), seed.toString("base64").repeat(100).slice(0, length));
  }
  return root;
}

/** The image as an OCI image layout with the tag `bench`. */
async function makeLayout(scratch: Scratch): Promise<string> {
  const layout = scratch.make("layout");
  const blobs = join(layout, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (content: Buffer): { digest: string; size: number } => {
    const hash = createHash("sha256").update(content).digest("hex");
    writeFileSync(join(blobs, hash), content);
    return { digest: `sha256:${hash}`, size: statSync(join(blobs, hash)).size };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const tars = [await imageTar(scratch)];
  for (let layer = 0; layer < layers; layer++) {
    const tar = join(scratch.folder, `layer${layer}.tar`);
    await output(["tar", "-C", fileTree(scratch, layer), "-cf", tar, "."]);
    tars.push(tar);
  }
  const plain = tars.map((tar) => readFileSync(tar));
  const descriptors = plain.map((content) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    ...put(gzipSync(content)),
  }));
  const diffIds = plain.map((content) => `sha256:${createHash("sha256").update(content).digest("hex")}`);
  const config = put(
    json({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { Cmd: ["sh"], Env: ["PATH=/bin"] },
      rootfs: { type: "layers", diff_ids: diffIds },
    }),
  );
  const manifest = put(
    json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      layers: descriptors,
    }),
  );
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(layout, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [
        {
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          ...manifest,
          annotations: { "org.opencontainers.image.ref.name": "bench" },
        },
      ],
    }),
  );
  return layout;
}
