/**
 * What a container could reach of its engine and its host: descriptors, programs, sockets, devices, system calls, paths
 * that change while they are used (reference/security-corpus.md).
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadImage } from "../support/archive.ts";
import { command, execute, must, pidOf, removeAll, run, shell, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const descriptors = (pid: number): Record<string, string> =>
  Object.fromEntries(readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, readlinkSync(`/proc/${pid}/fd/${fd}`)]));

describe("descriptors (CVE-2016-9962, CVE-2024-21626)", () => {
  test("of the first process: its three streams alone", async () => {
    const plain = descriptors(await pidOf(engine, start(engine, [])));
    expect(Object.keys(plain)).toEqual(["0", "1", "2"]);
    expect(plain["0"]).toBe("/dev/null");
    expect(plain["1"]).toMatch(/^pipe:/);
    const terminal = descriptors(await pidOf(engine, start(engine, ["-t"])));
    expect(Object.keys(terminal)).toEqual(["0", "1", "2"]);
    expect(new Set(Object.values(terminal)).size).toBe(1);
    expect(terminal["0"]).toMatch(/^\/dev\/(pts\/0|console)$/);
  });

  test("of an exec: its three streams alone", () => {
    const id = start(engine, []);
    // Of the shell that waits for ls; with a pipe it would have the pipe's end for a moment.
    expect(execute(engine, id, "ls /proc/$$/fd; true").split(/\s+/).join(" ")).toMatch(/^0 1 2( 10)?$/);
  });
});

test("a container that writes to /proc/PID/exe leaves the executables on disk as they were (CVE-2019-5736, in part)", async () => {
  const script = Buffer.from("#!/proc/self/exe\n");
  await loadImage(engine, "self", [
    { type: "file", path: "evil", mode: 0o755, size: script.length, body: script },
  ]);
  const programs = [process.env["CAISSON"] ?? join(import.meta.dir, "../../dist/caisson")];
  for (const path of readdirSync(engine.execRoot, { recursive: true }) as string[]) {
    const whole = join(engine.execRoot, path);
    if (lstatSync(whole).isFile() && (lstatSync(whole).mode & 0o111) !== 0) programs.push(whole);
  }
  const digest = (): string[] =>
    programs.map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
  const before = digest();
  command(engine, ["run", "--rm", "--net=none", "--userns=host", "self", "/evil"]);
  const writer =
    "for i in 1 2 3 4 5 6 7 8 9; do for p in /proc/[0-9]*; do (echo x >$p/exe) 2>/dev/null; done; done; true";
  const id = start(engine, ["--userns=host", "--privileged"], ["sh", "-c", `while :; do ${writer}; done`]);
  for (let i = 0; i < 10; i++) command(engine, ["exec", id, "/proc/self/exe"]);
  expect(digest()).toEqual(before);
});

test("the engine and its shims listen on no abstract socket (CVE-2020-15257)", () => {
  start(engine, []);
  const sockets = readFileSync(`/proc/${engine.pid}/net/unix`, "utf8");
  expect(sockets.split("\n").filter((line) => / @/.test(line))).toEqual([]);
});

test("the engine's folders are root's alone (CVE-2021-41091)", () => {
  const id = start(engine, []);
  expect(statSync(engine.dataRoot).mode & 0o007).toBeLessThanOrEqual(1);
  expect(statSync(engine.execRoot).mode & 0o006).toBe(0);
  const sockets = (readdirSync(engine.execRoot, { recursive: true }) as string[]).filter(
    (path) => path.includes(id) && path.endsWith(".sock"),
  );
  expect(sockets.length).toBeGreaterThan(0);
  for (const path of sockets) {
    expect(statSync(join(engine.execRoot, path)).mode & 0o077).toBe(0);
    expect(statSync(join(engine.execRoot, path, "..")).mode & 0o077).toBe(0);
  }
});

describe("devices (GHSA-g54h-m393-cpwq)", () => {
  test.each([[[]], [["--userns=host"]], [["--userns=host", "--cap-add=ALL"]]])(
    "a disk can't be opened: %j",
    (flags) => {
      const script =
        "mknod /tmp/disk b 8 0 2>/dev/null; head -c 1 /tmp/disk >/dev/null && echo opened || echo refused";
      expect(shell(engine, flags, `{ ${script}; } 2>/dev/null`)).toBe("refused");
    },
  );

  test("root of a container without a user namespace of its own may make nodes, and use the usual ones", () => {
    expect(shell(engine, ["--userns=host"], "mknod /tmp/n c 1 3 && echo x >/tmp/n && echo ok")).toBe("ok");
  });
});

describe("system calls", () => {
  test.each([
    ["unshare", "unshare -U true"],
    ["mount", "mount -t tmpfs tmpfs /tmp"],
  ])("%s is refused by default", (_, script) => {
    const { code, stderr } = run(engine, ["--userns=host"], ["sh", "-c", script]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/Operation not permitted|Permission denied/i);
  });

  test("unconfined: unshare works", () => {
    expect(
      run(engine, ["--userns=host", "--security-opt=seccomp=unconfined"], ["unshare", "-U", "true"]).code,
    ).toBe(0);
  });

  test("a profile of one's own: an errno of its own, arguments, and the rest allowed", () => {
    const profile = join(engine.directory, "profile.json");
    const rules = [
      { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 },
      {
        names: ["kill"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 13,
        args: [{ index: 1, value: 10, op: "SCMP_CMP_EQ" }],
      },
    ];
    writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
    const flags = [`--security-opt=seccomp=${profile}`];
    expect(run(engine, flags, ["mkdir", "/x"]).stderr).toContain("No space left on device");
    expect(run(engine, flags, ["sh", "-c", "kill -USR1 $$"]).stderr).toContain("Permission denied");
    expect(shell(engine, flags, "trap 'echo got' USR2; kill -USR2 $$; true")).toBe("got");
  });

  test("a profile that is none is refused", () => {
    const profile = join(engine.directory, "bad.json");
    writeFileSync(profile, '{"defaultAction": "NOSUCH"}');
    expect(run(engine, [`--security-opt=seccomp=${profile}`], ["true"]).code).not.toBe(0);
  });
});

test("a mount's target that is moved about in 40 starts never leads out (not the whole race of CVE-2021-30465)", () => {
  const outside = mkdtempSync(join(tmpdir(), "caisson-outside."));
  try {
    const spinner =
      "cd /v; mkdir -p dir; ln -sfn / link; while :; do mv -T dir t 2>/dev/null; mv -T link dir 2>/dev/null; mv -T dir link 2>/dev/null; mv -T t dir 2>/dev/null; done";
    start(engine, ["-v", "raced:/v"], ["sh", "-c", spinner.replaceAll("mv -T", "mv")]);
    for (let i = 0; i < 40; i++) {
      const target = `/v/dir${outside}`;
      const { code, stdout } = run(
        engine,
        ["-v", "raced:/v", `--tmpfs=${target}`],
        ["grep", "-c", outside, "/proc/mounts"],
      );
      if (code === 0) expect(stdout.trim()).toBe("1");
    }
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(outside);
  } finally {
    rmSync(outside, { recursive: true, force: true });
  }
});

test("the host's cgroups are read-only, also with --cgroupns=host (CVE-2023-25809)", () => {
  const script =
    "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/evil 2>/dev/null && echo made; done; true";
  for (const flags of [[], ["--cgroupns=host"], ["--cgroupns=host", "--userns=host"]])
    expect(shell(engine, flags, script)).toBe("");
});

test("an image's labels are no options of the engine (CVE-2026-53488)", async () => {
  await loadImage(engine, "labelled", [], {
    config: {
      Labels: { "containerd.io/log-uri": "binary:///bin/touch?/tmp/caisson-label", "caisson.log": "x" },
    },
  });
  must(engine, ["run", "--rm", "--net=none", "labelled", "true"]);
  expect(existsSync("/tmp/caisson-label")).toBe(false);
});
