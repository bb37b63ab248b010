/**
 * Images: load, save, import, tag, remove, history, inspect, and pull from a registry.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dockerArchive, loadImage } from "../support/archive.ts";
import { command, eventually, must } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { busyboxArchive, importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

const file = (
  path: string,
  text: string,
): { type: "file"; path: string; mode: number; size: number; body: Buffer } => ({
  type: "file",
  path,
  mode: 0o644,
  size: Buffer.byteLength(text),
  body: Buffer.from(text),
});

const runs = (image: string, ...args: readonly string[]): string =>
  must(engine, ["run", "--rm", "--net=none", image, ...args]);

test("import makes an image of a file system, with what is asked for on top", () => {
  const id = must(
    engine,
    ["import", "-c", 'CMD ["echo", "imported"]', "-c", "ENV PATH=/bin", "-m", "a message", "-", "imp:1"],
    busyboxArchive(),
  );
  expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(runs("imp:1")).toBe("imported");
  expect(must(engine, ["history", "--format={{.Comment}}", "imp:1"])).toBe("a message");
  expect(must(engine, ["inspect", "--format={{json .Config.Cmd}}", "imp:1"])).toBe('["echo","imported"]');
});

test("layers lie above each other: files replaced, removed, folders made opaque", async () => {
  const archive = await dockerArchive("layered:1", [
    [file("etc/one", "1"), file("d/a", "a"), file("d/b", "b"), file("gone", "")],
    [file("etc/one", "2"), file(".wh.gone", ""), file("d/.wh..wh..opq", ""), file("d/c", "c")],
  ]);
  expect(must(engine, ["load"], archive)).toBe("Loaded image: layered:1");
  expect(runs("layered:1", "sh", "-c", "cat /etc/one; echo; ls /d; ls /gone 2>/dev/null; true")).toBe("2\nc");
});

test("what is saved can be loaded again as the same image", () => {
  const path = join(engine.directory, "saved.tar");
  must(engine, ["tag", "busybox", "saved:1"]);
  const before = must(engine, ["inspect", "--format={{.Id}}", "saved:1"]);
  must(engine, ["save", "-o", path, "saved:1"]);
  must(engine, ["rmi", "saved:1"]);
  expect(must(engine, ["load", "-i", path])).toBe("Loaded image: saved:1");
  expect(must(engine, ["inspect", "--format={{.Id}}", "saved:1"])).toBe(before);
});

test("a compressed archive is loaded, a broken one is refused", async () => {
  const archive = await dockerArchive("packed:1", []);
  expect(must(engine, ["load"], Bun.gzipSync(Uint8Array.from(archive)))).toBe("Loaded image: packed:1");
  const broken = command(engine, ["load"], archive.subarray(0, 100_000));
  expect(broken.code).toBe(1);
  expect(command(engine, ["load"], Buffer.from("no archive at all")).code).toBe(1);
});

test("tags come and go; the image goes with its last one", async () => {
  await loadImage(engine, "tagged:1", [file("tagged", "x")]);
  must(engine, ["tag", "tagged:1", "other/name:2"]);
  expect(must(engine, ["rmi", "tagged:1"])).toBe("Untagged: tagged:1");
  const removed = must(engine, ["rmi", "other/name:2"]).split("\n");
  expect(removed[0]).toBe("Untagged: other/name:2");
  expect(removed[1]).toMatch(/^Deleted: sha256:[0-9a-f]{64}$/);
  const gone = command(engine, ["rmi", "other/name:2"]);
  expect(gone.stderr).toContain("No such image: other/name:2");
});

test("an image that a container uses is not removed", async () => {
  await loadImage(engine, "used:1", [file("used", "x")]);
  const id = must(engine, ["run", "-d", "--net=none", "used:1", "sleep", "1000"]);
  const refused = command(engine, ["rmi", "used:1"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("conflict: unable to remove repository reference");
  expect(refused.stderr).toContain(id.slice(0, 12));
  must(engine, ["rm", "-f", id]);
  must(engine, ["rmi", "used:1"]);
});

test("images are listed and filtered", () => {
  must(engine, ["tag", "busybox", "listed:1"]);
  expect(must(engine, ["images", "--format={{.Repository}}:{{.Tag}}", "listed"])).toBe("listed:1");
  expect(must(engine, ["images", "-q", "--filter=reference=list*:1"]).length).toBeGreaterThan(10);
  expect(must(engine, ["images", "-q", "nosuch"])).toBe("");
});

describe("pull", () => {
  test("without a registry there says so", () => {
    const { code, stderr } = command(engine, ["pull", "127.0.0.1:5999/nobody"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /Get "https?:\/\/127\.0\.0\.1:5999\/v2\/": dial tcp 127\.0\.0\.1:5999: connect: connection refused/,
    );
    const unknown = command(engine, ["run", "--rm", "--net=none", "nosuch-image", "true"]);
    expect(unknown.code).toBe(125);
    expect(unknown.stderr).toContain("Unable to find image 'nosuch-image:latest' locally");
  });

  test("of what is no reference is refused", () => {
    expect(command(engine, ["pull", "UPPER"]).stderr).toContain("must be lowercase");
  });

  const missing = ["docker-registry", "skopeo"].filter((program) => Bun.which(program) === null);
  const noRegistry = missing.length === 0 ? undefined : `${missing.join(" and ")} not installed`;

  testUnless(noRegistry)("from a registry: by tag, by digest, again; and what is not there", async () => {
    const registry = await startRegistry();
    try {
      const archive = join(engine.directory, "push.tar");
      const layers = Array.from({ length: 5 }, (_, n) => [file(`layer-${n}`, String(n).repeat(100_000))]);
      writeFileSync(archive, await dockerArchive("pushed:1", layers));
      const { pid } = engine;
      const push = spawnSync(
        "nsenter",
        [
          `--net=/proc/${pid}/ns/net`,
          "skopeo",
          "copy",
          "--insecure-policy",
          "--dest-tls-verify=false",
          `docker-archive:${archive}`,
          "docker://127.0.0.1:5000/some/image:1",
        ],
        { encoding: "utf8" },
      );
      expect({ status: push.status, stderr: push.stderr }).toMatchObject({ status: 0 });
      const pulled = must(engine, ["pull", "127.0.0.1:5000/some/image:1"]);
      expect(pulled).toContain("1: Pulling from some/image");
      expect(pulled).toContain("Status: Downloaded newer image for 127.0.0.1:5000/some/image:1");
      expect(runs("127.0.0.1:5000/some/image:1", "sh", "-c", "cat /layer-* | wc -c")).toBe("500000");
      const digest = /Digest: (sha256:[0-9a-f]{64})/.exec(pulled)?.[1] ?? "";
      expect(must(engine, ["pull", "127.0.0.1:5000/some/image:1"])).toContain("Status: Image is up to date");
      must(engine, ["rmi", "127.0.0.1:5000/some/image:1"]);
      expect(runs(`127.0.0.1:5000/some/image@${digest}`, "cat", "/layer-0").length).toBe(100_000);
      const absent = command(engine, ["pull", "127.0.0.1:5000/some/image:2"]);
      expect(absent.code).toBe(1);
      expect(absent.stderr).toContain(
        "manifest for 127.0.0.1:5000/some/image:2 not found: manifest unknown: manifest unknown",
      );
    } finally {
      registry.kill("SIGTERM");
    }
  });

  async function startRegistry(): Promise<ChildProcess> {
    const configuration = join(engine.directory, "registry.yml");
    const root = join(engine.directory, "registry");
    writeFileSync(
      configuration,
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${root}}}\nhttp: {addr: "127.0.0.1:5000"}\n`,
    );
    const child = engine.spawnInside("docker-registry", ["serve", configuration]);
    await eventually("a registry", () => {
      const probe = spawnSync("nsenter", [
        `--net=/proc/${engine.pid}/ns/net`,
        "curl",
        "-fs",
        "http://127.0.0.1:5000/v2/",
      ]);
      return probe.status === 0 || undefined;
    });
    return child;
  }
});
