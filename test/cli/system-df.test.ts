/**
 * `system df` and `system prune`: what the engine counts, and both command lines over it.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { command, execute, must, start } from "../support/containers.ts";
import { dockerPath } from "../support/docker.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  must(engine, ["volume", "create", "kept"]);
  start(engine, ["--name=writer", "-v", "kept:/d"]);
  execute(engine, "writer", "echo hello >/d/f; ln /d/f /d/g; echo x >/root/f");
  must(engine, ["create", "--name=stopped", "--net=none", "busybox"]);
});
afterAll(async () => engine[Symbol.asyncDispose]());

interface Usage {
  readonly LayersSize: number;
  readonly Images:
    readonly { readonly Size: number; readonly SharedSize: number; readonly Containers: number }[] | null;
  readonly Containers: readonly { readonly Names: readonly string[]; readonly SizeRw?: number }[] | null;
  readonly Volumes: readonly { readonly Name: string; readonly UsageData: object }[] | null;
  readonly BuildCache: readonly object[] | null;
}

const df = async (query = ""): Promise<Usage> =>
  (await engine.request("GET", `/system/df${query}`)).json<Usage>();

test("files are counted once however many names they have; users are counted", async () => {
  const { LayersSize, Images, Containers, Volumes, BuildCache } = await df();
  expect(Images).toMatchObject([{ Size: LayersSize, SharedSize: 0, Containers: 2 }]);
  expect(Containers?.find(({ Names }) => Names[0] === "/writer")?.SizeRw).toBe(2);
  expect(Volumes).toMatchObject([{ Name: "kept", UsageData: { RefCount: 1, Size: 6 } }]);
  expect(BuildCache).toEqual([]);
});

test("only what is asked for is answered", async () => {
  const empty = { LayersSize: 0, Images: null, Containers: null, Volumes: null, BuildCache: null };
  expect(await df("?type=build-cache")).toEqual({ ...empty, BuildCache: [] });
  expect(await df("?type=volume")).toMatchObject({ ...empty, Volumes: [{ Name: "kept" }] });
  expect(await df("?type=container&type=image")).toMatchObject({ Volumes: null, BuildCache: null });
});

test("layers of two images are shared", async () => {
  must(engine, ["tag", "busybox", "again:1"]);
  expect((await df("?type=image")).Images?.map(({ SharedSize }) => SharedSize)).toEqual([0]);
  must(engine, ["rmi", "again:1"]);
});

const withDocker = testUnless(dockerPath === undefined ? "docker's own command line" : undefined);
/** Without ages, nor the width that they give a column. */
const ago = (text: string): string =>
  text.replaceAll(/\d+ seconds?|Less than a second/g, "N seconds").replaceAll(/ {2,}/g, "  ");

for (const args of [
  [],
  ["-v"],
  ["--format", "json"],
  ["--format", "{{.Type}} {{.Reclaimable}}"],
  ["-v", "--format", "json"],
]) {
  withDocker(`caisson and docker print the same: system df ${args.join(" ")}`, () => {
    const [ours, docker] = [
      engine.caisson(["system", "df", ...args]),
      command(engine, ["system", "df", ...args]),
    ];
    expect(ago(ours.stdout)).toBe(ago(docker.stdout));
    expect(ours.code).toBe(0);
  });
}

for (const args of [
  [],
  ["-a", "--volumes"],
  ["-a", "--filter", "until=1h", "--filter", "label=x"],
  ["--volumes", "--filter", "until=1h"],
]) {
  withDocker(`the same question: system prune ${args.join(" ")}`, () => {
    const ours = engine.caisson(["system", "prune", ...args], "n\n");
    const docker = command(engine, ["system", "prune", ...args], "n\n");
    expect(ours.stdout).toBe(docker.stdout);
    expect(ours.stderr.split("\n")[0]).toBe(docker.stderr.split("\n")[0]);
  });
}

test("pruning removes what nobody uses, and says how much it was", async () => {
  must(engine, ["network", "create", "unused"]);
  must(engine, ["create", "--name=gone", "--net=none", "-v", "/anonymous", "busybox"]);
  must(engine, ["rm", "gone"]);
  const { stdout } = engine.caisson(["system", "prune", "-f", "--volumes"]);
  expect(stdout).toMatch(
    /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Networks:\nunused\n\nDeleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B\n$/,
  );
  expect((await df()).Volumes).toMatchObject([{ Name: "kept" }]);
  expect(engine.caisson(["ps", "-s", "--format", "{{.Size}}"]).stdout).toMatch(/^2B \(virtual [\d.]+MB\)\n$/);
});
