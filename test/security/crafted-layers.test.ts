/**
 * Layers that mean no good, by every way in: load, pull from a registry, import. Each is refused with the error that is
 * written here or in the corpus, or comes to the harmless result that is written here; the host stays as it is.
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { craftedLayers, type CraftedLayer } from "../../src/image/crafted-layers.ts";
import { dockerArchive, load, tarOf } from "../support/archive.ts";
import { Canary } from "../support/canary.ts";
import { command } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { busyboxArchive } from "../support/image.ts";
import { LocalRegistry } from "../support/registry.ts";

let engine: TestEngine;
let registry: LocalRegistry;
let before = "";
const canary = new Canary();
beforeAll(async () => {
  engine = await TestEngine.start();
  registry = await LocalRegistry.start(engine);
  before = canary.state();
});
afterAll(async () => {
  registry[Symbol.dispose]();
  await engine[Symbol.asyncDispose]();
  canary[Symbol.dispose]();
});
afterEach(async () => {
  for (const name of ["crafted:latest", "imported:latest", `${registry.host}/test:crafted`])
    await engine.request("DELETE", `/images/${name}?force=1`);
  expect(canary.state()).toBe(before);
  expect((await engine.request("GET", "/_ping")).status).toBe(200);
});

/** What a container sees of the places that the layers speak of. */
const look = `for path in / /e /f /x /x/y /d /su /holes /canary /CANARY /Canary/x /etc/canary /etc/passwd /old /new /a /b; do
  stat -c '%n %F %a %u' $path 2>/dev/null; done
readlink /e; find / -xdev -name '*canary*' 2>/dev/null; ls -d /n* 2>/dev/null | wc -c`;

const passwd = "/etc/passwd regular file 644 0";
const inEtc = "/etc/canary regular file 644 0";
const linkTo = (to: string, ...found: readonly string[]): string[] => [to, ...found];

/** Of each harmless layer: what `look` shows beside the root itself. */
const results: Readonly<Record<string, readonly string[]>> = {
  "a file through a link to the host's /etc": [
    "/e symbolic link 777 0",
    inEtc,
    passwd,
    ...linkTo("/etc", "/etc/canary"),
  ],
  "a file through a link above the root": [
    "/e symbolic link 777 0",
    inEtc,
    passwd,
    ...linkTo("../../../../etc", "/etc/canary"),
  ],
  "a file through two links": [
    inEtc,
    passwd,
    "/a symbolic link 777 0",
    "/b symbolic link 777 0",
    "/etc/canary",
  ],
  "a file in the place of a link to the host": ["/e regular file 644 0", passwd],
  "a directory in the place of a link to the host": ["/e directory 777 0", passwd, "/e/canary"],
  "a link to the host, and a hard link to the link": [
    "/e symbolic link 777 0",
    "/f regular file 644 0",
    passwd,
    "/etc/canary",
  ],
  "a whiteout through a link to the host": ["/e symbolic link 777 0", passwd, "/etc"],
  "an opaque link to the host": ["/e symbolic link 777 0", "/etc"],
  "an opaque root": [passwd],
  "an absolute path": [inEtc, passwd, "/etc/canary"],
  "a path that leaves a directory and comes back": ["/canary regular file 644 0", passwd, "/canary"],
  "one name many times": ["/x directory 755 0", passwd],
  "names that differ in case only": [
    "/canary regular file 644 0",
    "/CANARY regular file 644 0",
    "/Canary/x directory 755 0",
    passwd,
    "/canary",
  ],
  // A container's /dev is its own.
  "a disk, memory and a terminal": [passwd],
  "what overlayfs takes for a whiteout": [],
  "attributes that overlayfs acts on": ["/d directory 755 0", passwd],
  "a program that is root's with all capabilities": ["/su regular file 6755 0", passwd],
  "a name of 4,096 bytes": [passwd],
  "a name that is no text": [passwd],
  "a time before and after all times": [passwd, "/old regular file 644 0", "/new regular file 644 0"],
  // Beyond the container's ids: nobody.
  "the largest user and group": ["/x regular file 644 65534", passwd],
  "what AUFS keeps for itself": [passwd],
};

/** Import makes one layer of it all: what hides lower ones hides nothing of its own. */
const imported: Readonly<Record<string, readonly string[]>> = {
  "an opaque link to the host": ["/e symbolic link 777 0", passwd, "/etc"],
  "what overlayfs takes for a whiteout": [passwd],
};

/** What the file system below the data root may not take; where it does, there is no harm in it. */
const dependsOnFileSystem: Readonly<
  Record<string, { readonly refused: RegExp; readonly seen: readonly string[] }>
> = {
  "a sparse file of 4 PiB": {
    refused: /write \/holes: length: ftruncate\(.*\): EFBIG \(file too large\) \[step \d+\]/,
    seen: ["/holes regular file 644 0", passwd],
  },
  "a large attribute": {
    refused: /set user\.large of \/x: lsetxattr\(.*: (ENOSPC|E2BIG) \(.*\) \[step \d+\]/,
    seen: ["/x regular file 644 0", passwd],
  },
};

/** Holds what came of a layer against what is written here. `error` is undefined where it was taken. */
function check(layer: CraftedLayer, image: string, error: string | undefined, one = false): void {
  const { name, refused } = layer;
  if (refused !== undefined) {
    expect(error).toContain(refused);
    return;
  }
  const either = dependsOnFileSystem[name];
  if (either !== undefined && error !== undefined) {
    expect(error).toMatch(either.refused);
    return;
  }
  expect(error).toBeUndefined();
  const expected = either?.seen ?? (one ? imported[name] : undefined) ?? results[name];
  const { code, stdout, stderr } = command(engine, ["run", "--rm", "--net=none", image, "sh", "-c", look]);
  const lines = stdout.trim().split("\n");
  const long = name === "a name of 4,096 bytes" ? "257" : name.startsWith("a time") ? "5" : "0";
  expect({ code, stderr, lines }).toEqual({
    code: 0,
    stderr: "",
    lines: ["/ directory 755 0", ...(expected ?? ["nothing is written down of this layer"]), long],
  });
}

/** An archive without its end, so that another can follow. */
function withoutEnd(archive: Buffer): Buffer {
  let end = archive.length;
  while (archive.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512;
  return archive.subarray(0, end);
}

describe.each(craftedLayers.map((layer) => [layer.name, layer] as const))("%s", (_, layer) => {
  test("load", async () => {
    const error = await load(engine, await dockerArchive("crafted:latest", [layer.entries]));
    check(layer, "crafted", error);
  });

  test("pull", async () => {
    const layers = [busyboxArchive(), await tarOf(layer.entries)];
    const image = registry.add("crafted", { Env: ["PATH=/bin"] }, layers);
    const { code, stderr } = command(engine, ["pull", "--quiet", image]);
    check(layer, image, code === 0 ? undefined : stderr);
  });

  test("import", async () => {
    const query = "fromSrc=-&repo=imported&changes=ENV%20PATH=/bin";
    const archive = Buffer.concat([withoutEnd(busyboxArchive()), await tarOf(layer.entries)]);
    const { body } = await engine.request("POST", `/images/create?${query}`, archive);
    const said = JSON.parse(body.toString("utf8").trim().split("\n").at(-1) ?? "{}") as Record<
      string,
      string
    >;
    check(layer, "imported", said["message"] ?? said["error"], true);
  });
});
