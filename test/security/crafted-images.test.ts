/**
 * Layers and images that mean no good: refused, or whatever they do stays inside (reference/security-corpus.md).
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { craftedLayers } from "../../src/image/crafted-layers.ts";
import type { EntryInput } from "../../src/image/mod.ts";
import { dockerArchive, load, loadImage, tarOf } from "../support/archive.ts";
import { command, removeAll } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";

let engine: TestEngine;
let canary: string;
beforeAll(async () => {
  engine = await TestEngine.start();
  canary = mkdtempSync(join(tmpdir(), "caisson-canary."));
  mkdirSync(join(canary, "etc"));
  writeFileSync(join(canary, "etc/canary"), "unharmed", { mode: 0o600 });
  before = hostState();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(canary, { recursive: true, force: true });
});
afterEach(() => removeAll(engine));

let before = "";

/** A digest of everything that the attacks aim at. */
function hostState(): string {
  const hash = createHash("sha256");
  const add = (path: string): void => {
    const { mode, uid, gid, size, mtimeMs, ino } = lstatSync(path);
    hash.update([path, mode, uid, gid, size, mtimeMs, ino].join("|"));
  };
  for (const path of readdirSync(canary, { recursive: true }) as string[]) add(join(canary, path));
  hash.update(readFileSync(join(canary, "etc/canary")));
  for (const path of ["/etc", "/etc/passwd", "/etc/shadow", "/", "/tmp/.."]) add(path);
  for (const path of ["/etc/canary", "/canary", "/x", "/tmp/x", "/su"])
    hash.update(String(lstatSync(path, { throwIfNoEntry: false }) === undefined));
  hash.update(readFileSync("/proc/sys/kernel/core_pattern"));
  return hash.digest("hex");
}

describe("layers through load", () => {
  test.each(craftedLayers.map((layer) => [layer.name, layer] as const))(
    "%s",
    async (_, { entries, refused }) => {
      const error = await load(engine, await dockerArchive("crafted:latest", [entries]));
      if (refused !== undefined) expect(error).toContain(refused);
      else if (error === undefined) {
        const run = await runImage("crafted", ["true"]);
        expect([0, 125, 126, 127]).toContain(run.code ?? -1);
      }
      await engine.request("DELETE", "/images/crafted:latest?force=1");
      expect(hostState()).toBe(before);
      expect((await engine.request("GET", "/_ping")).status).toBe(200);
    },
  );
});

test("layers through import", async () => {
  for (const { name, entries, refused } of craftedLayers) {
    const query = "fromSrc=-&repo=imported";
    const { body } = await engine.request("POST", `/images/create?${query}`, await tarOf(entries));
    if (refused !== undefined)
      expect({ name, said: body.toString("utf8") }).toMatchObject({ said: expect.stringContaining(refused) });
    await engine.request("DELETE", "/images/imported:latest?force=1");
  }
  expect(hostState()).toBe(before);
});

async function runImage(
  image: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<ReturnType<typeof command>> {
  return command(engine, ["run", "--rm", "--net=none", ...flags, image, ...args]);
}

const symlink = (path: string, linkPath: string): EntryInput => ({ type: "symlink", path, linkPath });

describe("images whose paths are links", () => {
  test("/proc", async () => {
    await loadImage(engine, "evil", [
      symlink("proc", "/tmp/fake"),
      { type: "directory", path: "tmp/fake/sys", mode: 0o755 },
    ]);
    const { code, stderr } = await runImage("evil", ["true"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("/proc");
  });

  test("/dev/null and /dev/console", async () => {
    await loadImage(engine, "evil", [
      symlink("dev/null", "/proc/sys/kernel/core_pattern"),
      symlink("dev/console", "/proc/sys/kernel/core_pattern"),
    ]);
    const { code, stdout } = await runImage(
      "evil",
      ["sh", "-c", "stat -c %t,%T /dev/null; wc -c </proc/keys"],
      ["--userns=host"],
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: "1,3\n0\n" });
    expect(hostState()).toBe(before);
  });

  test("/dev", async () => {
    await loadImage(engine, "evil", [symlink("dev", "../../../../../../tmp/evil-dev")]);
    const { code } = await runImage("evil", ["true"]);
    expect(code).not.toBe(0);
    expect(lstatSync("/tmp/evil-dev", { throwIfNoEntry: false })).toBeUndefined();
  });

  test("/etc/resolv.conf, /etc/hosts, /etc/hostname", async () => {
    const target = join(canary, "etc/canary");
    await loadImage(
      engine,
      "evil",
      ["resolv.conf", "hosts", "hostname"].map((name) => symlink(`etc/${name}`, target)),
    );
    await runImage("evil", ["sh", "-c", "echo overwritten >/etc/hosts"], ["--userns=host"]);
    expect(readFileSync(target, "utf8")).toBe("unharmed");
    expect(hostState()).toBe(before);
  });

  test("a VOLUME at a link to the host's /etc", async () => {
    await loadImage(engine, "evil", [symlink("data", join(canary, "etc"))], {
      config: { Volumes: { "/data": {} } },
    });
    await runImage("evil", ["sh", "-c", "ls /data/canary; echo x >/data/canary"], ["--userns=host"]);
    expect(readFileSync(join(canary, "etc/canary"), "utf8")).toBe("unharmed");
    expect(hostState()).toBe(before);
  });

  test("a WORKDIR through a link", async () => {
    await loadImage(engine, "evil", [symlink("w", canary)], { config: { WorkingDir: "/w/made/here" } });
    await runImage("evil", ["touch", "file"], ["--userns=host"]);
    expect(readdirSync(canary)).toEqual(["etc"]);
  });

  test("a passwd that is a link to the host's, a device or far too large", async () => {
    await loadImage(engine, "evil", [symlink("etc/passwd", "../../../../../../etc/passwd")]);
    expect((await runImage("evil", ["id", "-u"], ["-u", "daemon"])).code).toBe(125);
    await loadImage(engine, "evil2", [{ type: "fifo", path: "etc/group", mode: 0o666 }]);
    const fifo = await runImage("evil2", ["true"], ["-u", "0:nogroup"]);
    expect(fifo.code).not.toBe(0);
  });
});

describe("WORKDIR in /proc/self/fd", () => {
  test.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 63])("%d leads nowhere, for run and exec", async (fd) => {
    await loadImage(engine, "evil", []);
    const ran = await runImage("evil", ["pwd"], ["-w", `/proc/self/fd/${fd}`, "--userns=host"]);
    expect(ran.code).not.toBe(0);
    expect(ran.stdout).not.toContain("unreachable");
  });
});

describe("USER", () => {
  test.each(["2147483648", "4294967296", "-1", "0x0", "root ", "1e3"])(
    "%j of an image is refused",
    async (user) => {
      await loadImage(engine, "evil", [], { config: { User: user } });
      const { code, stdout } = await runImage("evil", ["id", "-u"]);
      expect(code).not.toBe(0);
      expect(stdout).toBe("");
    },
  );
});
