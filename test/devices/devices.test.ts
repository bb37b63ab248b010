/**
 * Devices of the host in containers: by path, by folder, by what a vendor's specification says (CDI).
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeAll, run, shell } from "../support/containers.ts";
import { caisson, ended, TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { spawnSync } from "node:child_process";

let engine: TestEngine;
let folder = "";
beforeAll(async () => {
  folder = `/tmp/caisson-cdi-${process.pid}`;
  mkdirSync(folder);
  engine = await TestEngine.start(`--cdi-spec-dir=${folder}`);
  await importBusybox(engine);
  mkdirSync(join(engine.directory, "lib"));
  writeFileSync(join(engine.directory, "lib/file"), "library");
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  spawnSync("rm", ["-r", folder]);
});
afterEach(() => removeAll(engine));

test("a device works as far as it is allowed", () => {
  const use =
    "dd if=/dev/zero2 bs=4 count=1 2>/dev/null | wc -c; echo x 2>/dev/null >/dev/zero2 && echo written";
  expect(shell(engine, ["--device", "/dev/zero:/dev/zero2"], use)).toBe("4\nwritten");
  expect(
    shell(engine, ["--device", "/dev/urandom:/dev/deep/er/random"], "head -c 3 /dev/deep/er/random | wc -c"),
  ).toBe("3");
  // 7:0 is nobody's unless it was asked for.
  const loop = "head -c 0 /dev/l 2>&1";
  expect(run(engine, ["--device", "/dev/loop0:/dev/l:r"], ["sh", "-c", loop]).stdout).not.toContain(
    "not permitted",
  );
  expect(run(engine, ["--device", "/dev/loop0:/dev/l:m"], ["sh", "-c", loop]).stdout).toContain(
    "not permitted",
  );
});

test("a folder of devices", () => {
  expect(shell(engine, ["--device", "/dev/net:/dev/other"], "test -c /dev/other/tun && echo yes")).toBe(
    "yes",
  );
});

test("--privileged has a device once, wherever it is asked for", () => {
  expect(
    shell(engine, ["--privileged", "--device", "/dev/net/tun"], "test -c /dev/net/tun && echo yes"),
  ).toBe("yes");
});

test("a rule for devices allows what nobody may by default", () => {
  const make = ["sh", "-c", "mknod /dev/l b 7 0 && head -c 0 /dev/l 2>&1"];
  // Who has the host's ids may make device files.
  expect(run(engine, ["--userns=host"], make).stdout).toContain("not permitted");
  const allowed = run(engine, ["--userns=host", "--device-cgroup-rule", "b 7:* rw"], make);
  expect(allowed.stdout).not.toContain("not permitted");
});

test("devices by the names of a vendor", async () => {
  const spec = {
    cdiVersion: "0.6.0",
    kind: "vendor.com/thing",
    devices: [
      {
        name: "zero",
        containerEdits: {
          env: ["THING=zero"],
          deviceNodes: [{ path: "/dev/thing0", hostPath: "/dev/zero", permissions: "r" }],
          additionalGids: [4242],
        },
      },
      { name: "hooked", containerEdits: { hooks: [{ hookName: "createContainer", path: "/bin/true" }] } },
    ],
    containerEdits: {
      mounts: [{ hostPath: join(engine.directory, "lib"), containerPath: "/lib2", options: ["ro"] }],
    },
  };
  writeFileSync(join(folder, "thing.json"), JSON.stringify(spec));
  const info = (await engine.request("GET", "/info")).json<Record<string, unknown>>();
  expect(info["CDISpecDirs"]).toEqual([folder]);
  expect(info["DiscoveredDevices"]).toEqual([
    { Source: "cdi", ID: "vendor.com/thing=hooked" },
    { Source: "cdi", ID: "vendor.com/thing=zero" },
  ]);
  const thing = ["--device", "vendor.com/thing=zero"];
  const see = "head -c 2 /dev/thing0 | wc -c; echo $THING; cat /lib2/file; id -G | tr ' ' '\\n' | grep 4242";
  expect(shell(engine, thing, see)).toBe("2\nzero\nlibrary4242");
  const refused = run(engine, ["--device", "vendor.com/thing=hooked"], ["true"]);
  expect([refused.code, refused.stderr]).toEqual([
    125,
    expect.stringContaining("the hook createContainer /bin/true"),
  ]);
  const unknown = run(engine, ["--device", "vendor.com/thing=none"], ["true"]);
  expect(unknown.stderr).toContain(
    "CDI device injection failed: unresolvable CDI devices vendor.com/thing=none",
  );
});

test("caisson's own command line asks in the same way", () => {
  const env = { ...process.env, DOCKER_HOST: engine.host };
  const own = (...flags: string[]): string =>
    ended(
      spawnSync(caisson, ["run", "--rm", "--net=none", ...flags, "busybox", "sh", "-c", "echo $THING"], {
        env,
      }),
    ).stdout;
  expect(own("--device", "vendor.com/thing=zero")).toBe("zero\n");
});

test("GPUs are refused where nobody offers one", () => {
  const { code, stderr } = run(engine, ["--gpus", "all"], ["true"]);
  expect(code).toBe(125);
  expect(stderr).toContain('could not select device driver "" with capabilities: [[gpu]]');
});
