/**
 * Images that mean no good: refused, or whatever they do stays inside (reference/security-corpus.md).
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EntryInput } from "../../src/image/mod.ts";
import { loadImage } from "../support/archive.ts";
import { Canary } from "../support/canary.ts";
import { command, must, removeAll } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { residentMemoryOf } from "../support/host-state.ts";

let engine: TestEngine;
const place = new Canary();
const canary = place.folder;
beforeAll(async () => {
  engine = await TestEngine.start();
  before = hostState();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});
afterEach(() => removeAll(engine));

let before = "";
const hostState = (): string => place.state();

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

describe("WORKDIR in /proc/self/fd (CVE-2024-21626)", () => {
  // What the processes that set a container up have open: no number may lead anywhere.
  const numbers = [...Array.from({ length: 20 }, (_, n) => n + 3), 63, 64, 255];
  const step =
    /: (go to|open|make) [^:]+: (chdir|openat2|mkdirat)\(.*: (ENOENT|ELOOP|ENOTDIR) \(.*\) \[step \d+\]/;

  test("of a run", async () => {
    await loadImage(engine, "evil", []);
    for (const fd of numbers) {
      const flags = ["-w", `/proc/self/fd/${fd}`, "--userns=host"];
      const { code, stdout, stderr } = await runImage("evil", ["pwd"], flags);
      expect({ fd, stdout }).toEqual({ fd, stdout: "" });
      expect(code).not.toBe(0);
      expect(stderr).toMatch(step);
    }
  });

  test("of an image, by a link", async () => {
    for (const fd of [3, 7, 8, 9]) {
      const config = { WorkingDir: "/w" };
      await loadImage(engine, "evil", [symlink("w", `/proc/self/fd/${fd}`)], { config });
      const { code, stdout, stderr } = await runImage("evil", ["pwd"], ["--userns=host"]);
      expect({ fd, stdout }).toEqual({ fd, stdout: "" });
      expect(code).not.toBe(0);
      expect(stderr).toMatch(step);
    }
  });

  test("of an exec", async () => {
    await loadImage(engine, "evil", []);
    const id = must(engine, ["run", "-d", "--net=none", "--userns=host", "evil", "sleep", "1000"]);
    for (const fd of numbers) {
      const { code, stdout, stderr } = command(engine, ["exec", "-w", `/proc/self/fd/${fd}`, id, "pwd"]);
      expect(code).not.toBe(0);
      // Docker's clients get the error of an exec that couldn't start as its output.
      expect(stdout + stderr).toMatch(step);
      expect(stdout).not.toMatch(/^\/|unreachable/m);
    }
  });
});

describe("a passwd or group of a gigabyte (CVE-2026-47262)", () => {
  const huge = (path: string): EntryInput => ({
    type: "file",
    path,
    mode: 0o644,
    size: 1 << 30,
    sparse: [{ offset: 0, length: 5 }],
    body: Buffer.from("a:x:1"),
  });

  test.each([
    ["etc/passwd", "daemon"],
    ["etc/passwd", "0"],
    ["etc/group", "0:nogroup"],
    ["etc/group", "nobody"],
  ])("%s, USER %s: refused with an error that names it, in bounded memory", async (path, user) => {
    await loadImage(engine, "evil", [huge(path)]);
    const before = residentMemoryOf(engine);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentMemoryOf(engine))), 1);
    const answer = await engine.request("POST", "/containers/create", {
      Image: "evil",
      Cmd: ["true"],
      User: user,
      HostConfig: { NetworkMode: "none" },
    });
    const { Id } = answer.json<{ Id: string }>();
    const started = await engine.request("POST", `/containers/${Id}/start`);
    clearInterval(watch);
    expect(started.status).toBeGreaterThanOrEqual(400);
    expect(started.body.toString("utf8")).toContain(`/${path}`);
    expect(most - before).toBeLessThan(64 << 10);
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
