/**
 * `docker cp` under attack: crafted archives, names that are exchanged for links meanwhile (CVE-2018-15664), programs of
 * the image that look like tar's helpers (CVE-2019-14271, CVE-2026-41567). Nothing outside of the container changes, and
 * nothing of the container is executed.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EntryInput } from "../../src/image/mod.ts";
import { loadImage, tarOf } from "../support/archive.ts";
import { Canary } from "../support/canary.ts";
import { eventually, execute, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { callNumber, loadScripts } from "../support/scripts.ts";

let engine: TestEngine;
let canary: Canary;
let before: string;
beforeAll(async () => {
  engine = await TestEngine.startWithMounts();
  canary = new Canary();
  await importBusybox(engine);
  await loadScripts(engine, "attacker", { swap: "security/swap.pl" });
  before = canary.state();
});
afterEach(async () => {
  await removeAll(engine);
  expect(canary.state()).toBe(before);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  canary[Symbol.dispose]();
});

const put = (container: string, path: string, body: Uint8Array): Promise<{ status: number }> =>
  engine.request("PUT", `/containers/${container}/archive?path=${encodeURIComponent(path)}`, body);
const file = (path: string, more: Partial<EntryInput> = {}): EntryInput => ({
  type: "file",
  path,
  size: 4,
  body: Buffer.from("evil"),
  ...more,
});
const link = (path: string, linkPath: string): EntryInput => ({ type: "symlink", path, linkPath });
const up = "../../../../../../../..";

/** Archives that want to get at `path` of the host. */
function crafted(path: string): Record<string, readonly EntryInput[]> {
  const name = path.slice(1);
  return {
    "an absolute name": [file(path)],
    "a name that leaves": [file(`${up}/${name}`)],
    "a name that leaves in the middle": [file(`x/${up}/${name}`)],
    "a symbolic link, then through it": [link("l", canary.folder), file("l/etc/canary"), file("l/new")],
    "a relative link, then through it": [link("l", `${up}${canary.folder}`), file("l/etc/canary")],
    "a link to the root, then through it": [link("l", "/"), file(`l/${name}`)],
    "a link that becomes a directory": [
      link("l", canary.folder),
      { type: "directory", path: "l", mode: 0o777 },
      file("l/x"),
    ],
    "a directory's attributes by a link": [
      { type: "directory", path: "d" },
      link("d", canary.folder),
      { type: "directory", path: "d/etc", mode: 0o777, uid: 1 },
    ],
    "a file by a link of its own name": [link("f", path), file("f", { mode: 0o777 })],
    "a hard link out": [{ type: "hardlink", path: "h", linkPath: `${up}/${name}` }, file("h")],
    "a hard link to an absolute name": [{ type: "hardlink", path: "h", linkPath: path }, file("h")],
    "a hard link through a link": [
      link("l", canary.folder),
      { type: "hardlink", path: "h", linkPath: "l/etc/canary", mode: 0o777 },
      file("h"),
    ],
    "a link through magic links": [link("l", "/proc/1/root"), file(`l/${name}`)],
    "a device": [{ type: "block", path: "disk", major: 8, minor: 0, mode: 0o666 }],
    "a whiteout": [{ type: "char", path: "w", major: 0, minor: 0 }, file(`.wh.${name}`)],
    "an attribute of overlay": [
      { type: "directory", path: "o" },
      file("o/x", { xattrs: new Map([["trusted.overlay.redirect", Buffer.from("/etc")]]) }),
    ],
  };
}

test.each(["created", "running"])("crafted archives into a %s container", async (state) => {
  const id =
    state === "running"
      ? start(engine, [])
      : must(engine, ["create", "--net=none", "busybox", "sleep", "1000"]);
  for (const path of [join(canary.folder, "etc/canary"), "/x"])
    for (const [attack, entries] of Object.entries(crafted(path))) {
      const { status } = await put(id, "/tmp", await tarOf(entries));
      expect([attack, status < 600, canary.state()]).toEqual([attack, true, before]);
    }
  // It still works.
  if (state === "created") must(engine, ["start", id]);
  expect(execute(engine, id, "cat /etc/passwd")).toContain("root:x:0:0");
});

test("a mount of the host's /proc is no way out", async () => {
  const id = start(engine, ["-v", "/proc:/hostproc"]);
  execute(engine, id, "ln -s /hostproc/1/root /tmp/root; ln -s /hostproc/self/root /tmp/self");
  for (const through of ["/tmp/root", "/tmp/self", "/hostproc/1/root", "/hostproc/1/cwd"]) {
    expect((await put(id, `${through}${canary.folder}`, await tarOf([file("etc/canary")]))).status).not.toBe(
      200,
    );
    const url = `/containers/${id}/archive?path=${through}${canary.folder}`;
    expect((await engine.request("GET", url)).status).not.toBe(200);
  }
});

test("nothing of the image is executed, however it is called", async () => {
  const script = Buffer.from("#!/bin/sh\ntouch /ran-$$; exit 0\n");
  const trojans = ["tar", "gzip", "gunzip", "unpigz", "xz", "zstd", "bzip2", "getent"].flatMap((name) =>
    ["bin", "usr/bin", "usr/local/bin"].map((folder) =>
      file(`${folder}/${name}`, { mode: 0o755, size: script.length, body: script }),
    ),
  );
  await loadImage(engine, "trojan", trojans);
  const id = must(engine, [
    "run",
    "-d",
    "--net=none",
    "--user=nobody",
    "trojan",
    "/bin/busybox",
    "sleep",
    "1000",
  ]);
  const plain = await tarOf([file("f")]);
  for (const program of ["gzip", "xz", "zstd", "bzip2"]) {
    const body = spawnSync(program, ["-c"], { input: plain }).stdout;
    const path = `/containers/${id}/archive?path=/tmp&copyUIDGID=1`;
    expect((await engine.request("PUT", path, body)).status).toBe(200);
    expect((await engine.request("GET", `/containers/${id}/archive?path=/tmp`)).status).toBe(200);
  }
  const root = await engine.request("GET", `/containers/${id}/archive?path=/`);
  const { stdout } = spawnSync("tar", ["-tf", "-"], {
    input: root.body,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  expect(stdout).toContain("bin/unpigz");
  expect(stdout).not.toContain("ran-");
});

// As long as it takes, a process of another container exchanges a directory for a link.
test.each(["/", "../../../.."])(
  "a directory that is exchanged for a link to %s while files are copied",
  async (target) => {
    const victim = start(engine, ["-v", "raced:/v"]);
    const inside = `mkdir -p /v/dir${canary.folder}/etc; ln -s ${target} /v/link`;
    execute(engine, victim, inside);
    const spinner = must(engine, [
      "run",
      "-d",
      "--net=none",
      "-v",
      "raced:/v",
      "attacker",
      "swap",
      String(callNumber("renameat2")),
      "/v/dir",
      "/v/link",
    ]);
    await eventually(
      "an attacker at work",
      () => must(engine, ["logs", spinner]).includes("swapping") || undefined,
    );
    const path = `/v/dir${canary.folder}`;
    const archive = await tarOf([
      { type: "directory", path: "etc", mode: 0o777 },
      file("etc/canary", { mode: 0o666 }),
      file("etc/new"),
    ]);
    const seen = new Map<number, number>();
    const count = (status: number): void => void seen.set(status, (seen.get(status) ?? 0) + 1);
    const leaked: string[] = [];
    for (let round = 0; round < 60; round++) {
      count((await put(victim, path, archive)).status);
      const { status, body } = await engine.request("GET", `/containers/${victim}/archive?path=${path}`);
      count(status);
      if (body.includes("unharmed")) leaked.push(`round ${round}`);
      count((await engine.request("HEAD", `/containers/${victim}/archive?path=${path}/etc/canary`)).status);
    }
    console.log(`exchanged for a link to ${target}: ${JSON.stringify([...seen])}`);
    expect(leaked).toEqual([]);
    expect(canary.state()).toBe(before);
    // Without both the race was none.
    expect(seen.get(200) ?? 0).toBeGreaterThan(5);
    expect((seen.get(404) ?? 0) + (seen.get(500) ?? 0)).toBeGreaterThan(5);
    must(engine, ["rm", "-f", victim, spinner]);
    must(engine, ["volume", "rm", "raced"]);
  },
);

test("a tree that changes while it is read: a whole archive, without links followed", async () => {
  const script = `while :; do mkdir -p /v/d/e; echo x >/v/d/e/f; echo 12345678 >>/v/d/e/g; ln -sfn ${canary.folder} /v/l; mv /v/d /v/l2; rm -rf /v/l2 /v/l; done`;
  const id = start(engine, ["-v", "/v"], ["sh", "-c", script]);
  for (let round = 0; round < 40; round++) {
    const { status, body } = await engine.request("GET", `/containers/${id}/archive?path=/v`);
    expect(status).toBe(200);
    expect(spawnSync("tar", ["-tf", "-"], { input: body }).status).toBe(0);
    expect(body.includes("unharmed")).toBe(false);
  }
});

test("the engine's own files stay as they are", () => {
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(engine.directory);
});
