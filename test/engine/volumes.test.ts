/**
 * What outlives a container: binds and volumes.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, execute, inspect, must, removeAll, run, shell, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const folder = (): string => mkdtempSync(join(engine.directory, "bind."));
const volumes = (): string[] =>
  must(engine, ["volume", "ls", "-q"])
    .split("\n")
    .filter((name) => name !== "");

test("a bind: written through, or read-only", () => {
  const source = folder();
  writeFileSync(join(source, "there"), "before");
  expect(shell(engine, ["-v", `${source}:/b`], "cat /b/there; echo new >/b/made")).toBe("before");
  expect(readFileSync(join(source, "made"), "utf8")).toBe("new\n");
  for (const flags of [
    ["-v", `${source}:/b:ro`],
    ["--mount", `type=bind,src=${source},dst=/b,readonly`],
  ]) {
    const refused = run(engine, flags, ["touch", "/b/x"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Read-only file system");
  }
});

test("a bind of a file", () => {
  const file = join(folder(), "file");
  writeFileSync(file, "content");
  expect(shell(engine, ["-v", `${file}:/etc/mine`], "cat /etc/mine; echo new >/etc/mine")).toBe("content");
  expect(readFileSync(file, "utf8")).toBe("new\n");
});

test("-v makes a source that is missing, --mount refuses it", () => {
  const missing = join(folder(), "missing");
  expect(shell(engine, ["-v", `${missing}:/b`], "ls -A /b | wc -l")).toBe("0");
  const { code, stderr } = run(engine, ["--mount", `type=bind,src=${missing}2,dst=/b`], ["true"]);
  expect(code).toBe(125);
  expect(stderr).toContain(
    `invalid mount config for type "bind": bind source path does not exist: ${missing}2`,
  );
});

test("mounts below others, whatever their order is", () => {
  const outer = folder();
  const inner = folder();
  writeFileSync(join(inner, "deep"), "deep");
  const flags = ["-v", `${inner}:/a/b/c`, "--tmpfs=/a/b", "-v", `${outer}:/a`];
  expect(shell(engine, flags, "cat /a/b/c/deep; echo; grep -c ' /a' /proc/mounts")).toBe("deep\n3");
});

test("a named volume persists, and is refused removal while it is used", async () => {
  shell(engine, ["-v", "kept:/v"], "echo one >/v/file");
  expect(shell(engine, ["--mount", "type=volume,src=kept,dst=/w"], "cat /w/file; stat -c %u /w/file")).toBe(
    "one\n0",
  );
  const id = start(engine, ["-v", "kept:/v"]);
  const [mount] = (await inspect(engine, id)).Mounts;
  expect(mount).toMatchObject({ Type: "volume", Name: "kept", Destination: "/v", RW: true });
  expect(readFileSync(join(mount?.Source ?? "", "file"), "utf8")).toBe("one\n");
  const refused = command(engine, ["volume", "rm", "kept"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`volume is in use - [${id}]`);
  must(engine, ["rm", "-fv", id]);
  expect(volumes()).toContain("kept");
  must(engine, ["volume", "rm", "kept"]);
  expect(volumes()).not.toContain("kept");
});

test("two containers at one volume see each other's files as their own root's", () => {
  const one = start(engine, ["-v", "both:/v"]);
  const two = start(engine, ["-v", "both:/v"]);
  execute(engine, one, "echo hello >/v/file; chown 5:6 /v/file");
  expect(execute(engine, two, "cat /v/file; stat -c %u:%g /v/file")).toBe("hello\n5:6");
});

test("an anonymous volume goes with --rm and with rm -v, and stays otherwise", () => {
  const before = volumes().length;
  run(engine, ["-v", "/v"], ["true"]);
  expect(volumes().length).toBe(before);
  const kept = start(engine, ["-v", "/v"], ["true"]);
  must(engine, ["wait", kept]);
  must(engine, ["rm", kept]);
  expect(volumes().length).toBe(before + 1);
  const gone = start(engine, ["-v", "/v"], ["true"]);
  must(engine, ["wait", gone]);
  must(engine, ["rm", "-v", gone]);
  expect(volumes().length).toBe(before + 1);
  must(engine, ["volume", "prune", "-f"]);
  expect(volumes().length).toBe(before);
});

test("a new volume gets what the image has there, a bind or nocopy does not", () => {
  expect(shell(engine, ["-v", "filled:/etc"], "cat /etc/passwd | head -n 1")).toStartWith("root:");
  shell(engine, ["-v", "filled:/etc"], "rm /etc/passwd");
  expect(run(engine, ["-v", "filled:/etc"], ["test", "-e", "/etc/passwd"]).code).toBe(1);
  expect(run(engine, ["-v", "bare:/etc:nocopy"], ["test", "-e", "/etc/passwd"]).code).toBe(1);
  must(engine, ["volume", "rm", "filled", "bare"]);
});
