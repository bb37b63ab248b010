/**
 * Mount events between a bind's source and the container: shared, slave and private, in a mount namespace of the test's
 * own that is the host's to the engine.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { command, execute, inspect, must, removeAll } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
let source: string;
beforeAll(async () => {
  engine = await TestEngine.startWithMounts();
  await importBusybox(engine);
  source = join(engine.directory, "source");
  mkdirSync(source);
  onHost(`mount -t tmpfs tmpfs ${source} && mount --make-shared ${source}`);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(async () => {
  await removeAll(engine);
  onHost(`for m in ${source}/*; do umount $m; rmdir $m; done 2>/dev/null; true`);
});

function onHost(script: string): string {
  const { code, stdout, stderr } = engine.runInside("sh", ["-c", script]);
  if (code !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout.trim();
}

/** A container that may mount, with the source at /b. */
function begin(propagation: string, ...flags: readonly string[]): string {
  const bind = propagation === "" ? `${source}:/b` : `${source}:/b:${propagation}`;
  return must(engine, ["run", "-d", "--net=none", ...flags, "-v", bind, "busybox", "sleep", "1000"]);
}

const privileged = ["--privileged", "--userns=host"];
const mountHere = (path: string): string =>
  `mkdir -p ${path} && mount -t tmpfs tmpfs ${path} && echo there >${path}/file`;

test.each([
  ["rshared", true, true],
  ["shared", true, true],
  ["rslave", true, false],
  ["slave", true, false],
  ["rprivate", false, false],
  ["", false, false],
])("%j: the host's mount arrives: %j; the container's does: %j", async (propagation, inwards, outwards) => {
  const id = begin(propagation, ...privileged);
  expect((await inspect(engine, id)).Mounts[0]?.Propagation).toBe(propagation || "rprivate");
  onHost(mountHere(`${source}/host`));
  expect(execute(engine, id, "cat /b/host/file 2>/dev/null; true")).toBe(inwards ? "there" : "");
  execute(engine, id, mountHere("/b/container"));
  expect(onHost(`cat ${source}/container/file 2>/dev/null; true`)).toBe(outwards ? "there" : "");
  must(engine, ["rm", "-f", id]);
  // Who shared it keeps it; nobody else has one.
  expect(onHost(`grep -c ${source}/container /proc/self/mountinfo; true`)).toBe(outwards ? "1" : "0");
});

test("in a user namespace of its own a container gets the host's mounts and gives none", () => {
  const id = begin("rslave");
  onHost(mountHere(`${source}/host`));
  expect(execute(engine, id, "cat /b/host/file")).toBe("there");
});

test("what was mounted below the source before comes along, and goes with the host's unmounting in a slave", () => {
  onHost(mountHere(`${source}/before`));
  const slave = begin("rslave", ...privileged);
  const own = begin("rprivate", ...privileged);
  for (const id of [slave, own]) expect(execute(engine, id, "cat /b/before/file")).toBe("there");
  onHost(`umount ${source}/before`);
  expect(execute(engine, slave, "ls -A /b/before")).toBe("");
  expect(execute(engine, own, "ls -A /b/before")).toBe("file");
});

test.each(["rshared", "rslave"])("%s of a source that is private is refused", (propagation) => {
  const alone = join(engine.directory, `alone-${propagation}`);
  mkdirSync(alone);
  onHost(`mount -t tmpfs tmpfs ${alone}`);
  const args = ["run", "--rm", "--net=none", "-v", `${alone}:/b:${propagation}`, "busybox", "true"];
  const { code, stderr } = command(engine, args);
  expect(code).toBe(125);
  expect(stderr).toContain(`path ${alone} is mounted on ${alone} but it is not a shared`);
});
