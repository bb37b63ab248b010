/**
 * What a container could reach of its engine and its host: descriptors, sockets, folders, devices, cgroups
 * (reference/security-corpus.md).
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadImage } from "../support/archive.ts";
import { execute, must, pidOf, removeAll, shell, start } from "../support/containers.ts";
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
  /** What a shell says of making and of reading a node, a line each; nothing where it succeeded. */
  const attempt = (flags: readonly string[], node: string): string[] =>
    shell(engine, flags, `mknod /tmp/n ${node} 2>&1; head -c 0 /tmp/n 2>&1; true`)
      .split("\n")
      .filter(Boolean);
  const notPermitted = "head: /tmp/n: Operation not permitted";

  test.each([[["--userns=host"]], [["--userns=host", "--cap-add=ALL"]]])(
    "a node of a disk can be made, and opened with EPERM: %j",
    (flags) => {
      expect(attempt(flags, "b 8 0")).toEqual([notPermitted]);
    },
  );

  test("that EPERM is the device cgroup's: with a rule for the disk it isn't said", () => {
    const flags = ["--userns=host", "--device-cgroup-rule=b 8:0 r"];
    // Whether there is such a disk here doesn't matter: the kernel asks the cgroup first.
    expect(attempt(flags, "b 8 0")).not.toContain(notPermitted);
    expect(attempt(flags, "b 8 1")).toEqual([notPermitted]);
  });

  test("in a user namespace of its own a container can't make nodes at all", () => {
    expect(attempt([], "b 8 0")[0]).toBe("mknod: /tmp/n: Operation not permitted");
  });

  test.each([[[]], [["--userns=host"]]])(
    "a device that was given can be used as far as it was given: %j",
    (flags) => {
      const node = join(engine.directory, "device");
      if (!existsSync(node)) spawnSync("mknod", ["-m", "666", node, "c", "10", "229"]);
      const given = (rights: string): string =>
        shell(
          engine,
          [...flags, `--device=${node}:/dev/mine:${rights}`],
          "(: </dev/mine) 2>&1; (: >/dev/mine) 2>&1; true",
        );
      expect(given("rw")).toBe("");
      expect(given("r")).toBe("sh: can't create /dev/mine: Operation not permitted");
      expect(given("w")).toBe("sh: can't open /dev/mine: Operation not permitted");
      expect(
        shell(engine, ["--userns=host"], "mknod -m 666 /tmp/f c 10 229; head -c 0 /tmp/f 2>&1; true"),
      ).toBe("head: /tmp/f: Operation not permitted");
    },
  );

  test("root of a container without a user namespace of its own may make nodes, and use the usual ones", () => {
    expect(shell(engine, ["--userns=host"], "mknod /tmp/n c 1 3 && echo x >/tmp/n && echo ok")).toBe("ok");
  });
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
