/**
 * Mounts as containers see them: those of other containers, parts of volumes, images, binds with their options.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dockerArchive, load } from "../support/archive.ts";
import { command, execute, inspect, must, removeAll, run, shell, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.startWithMounts();
  await importBusybox(engine);
  const file = (path: string, text: string, mode = 0o644): object => ({
    type: "file",
    path,
    mode,
    size: text.length,
    body: Buffer.from(text),
  });
  const layers = [
    [file("lower", "lower"), file("changed", "before"), file("etc/deep", "deep"), file("gone", "gone")],
    [file("changed", "after"), file(".wh.gone", "")],
  ];
  await load(engine, await dockerArchive("layered:v1", layers as never));
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(async () => {
  await removeAll(engine);
  command(engine, ["volume", "prune", "-af"]);
});

const folder = (): string => mkdtempSync(join(engine.directory, "mounts."));

test("--volumes-from: of a container that doesn't run too; what it may only read stays so, its --tmpfs stays behind", () => {
  const source = folder();
  const donor = must(engine, [
    "create",
    "--net=none",
    "-v",
    `${source}:/bind:ro`,
    "-v",
    "named:/named",
    "--tmpfs=/tmpfs",
    "busybox",
    "true",
  ]);
  const seen = ["--volumes-from", donor];
  expect(shell(engine, seen, "touch /named/a; touch /bind/x || ls -d /tmpfs || echo no")).toBe("no");
});

test("--volumes-from hands over what there is", () => {
  const donor = start(engine, ["-v", "named:/named", "-v", "/anonymous"]);
  execute(engine, donor, "echo one >/named/a; echo two >/anonymous/b");
  const seen = ["--volumes-from", `${donor}:ro`];
  expect(shell(engine, seen, "cat /named/a /anonymous/b")).toBe("one\ntwo");
  expect(run(engine, seen, ["touch", "/named/x"]).stderr).toContain("Read-only file system");
  // Another mount in the same place wins.
  expect(shell(engine, [...seen, "--tmpfs", "/other", "-v", "mine:/named"], "ls -A /named | wc -l")).toBe(
    "0",
  );
});

test("an anonymous volume lives as long as one that has it", async () => {
  const donor = must(engine, ["create", "--net=none", "-v", "/anonymous", "busybox", "true"]);
  const heir = must(engine, ["create", "--net=none", "--volumes-from", donor, "busybox", "true"]);
  const [volume] = (await inspect(engine, heir)).Mounts;
  const exists = (): boolean => must(engine, ["volume", "ls", "-q"]).includes(volume?.Name ?? "?");
  must(engine, ["rm", "-v", donor]);
  expect(exists()).toBe(true);
  must(engine, ["rm", "-v", heir]);
  expect(exists()).toBe(false);
});

const part = (path: string): string[] => ["--mount", `type=volume,src=parted,dst=/p,volume-subpath=${path}`];

test("a part of a volume: a directory, a file, and nothing outside of it", () => {
  const outside = folder();
  writeFileSync(join(outside, "secret"), "secret");
  shell(
    engine,
    ["-v", "parted:/v"],
    `mkdir -p /v/a/b; echo in >/v/a/b/f; echo file >/v/file; ln -s a/b /v/inside; ln -s ${outside} /v/out; ln -s ../../.. /v/up`,
  );
  expect(shell(engine, part("a/b"), "ls /p; echo more >/p/g")).toBe("f");
  expect(shell(engine, part("file"), "cat /p")).toBe("file");
  expect(shell(engine, part("inside"), "ls /p")).toBe("f\ng");
  for (const path of ["out", "up", "up/etc"]) {
    const { code, stderr } = run(engine, part(path), ["ls", "/p"]);
    expect([code, stderr]).toEqual([
      125,
      expect.stringContaining("path concatenation escapes the base directory"),
    ]);
  }
  const { code, stderr } = run(engine, part("nothing"), ["true"]);
  // Docker's command line takes these words for a missing program.
  expect(code).toBe(127);
  expect(stderr).toContain("parted/_data/nothing: no such file or directory");
});

test("a part that is swapped for a link while containers start never shows the host", async () => {
  // The container that has the whole volume exchanges the directory and a link to the host's root.
  const spinner = start(
    engine,
    ["-v", "raced:/v"],
    [
      "sh",
      "-c",
      "mkdir -p /v/d; ln -s / /v/l; while :; do mv -T /v/d /v/t; mv -T /v/l /v/d; mv -T /v/d /v/l; mv -T /v/t /v/d; done",
    ],
  );
  const mount = ["--mount", "type=volume,src=raced,dst=/p,volume-subpath=d"];
  const seen = new Set<string>();
  for (let i = 0; i < 25; i++) {
    const { code, stdout, stderr } = run(engine, mount, ["ls", "-A", "/p"]);
    seen.add(
      code === 0 ? stdout : /cannot access path|escapes the base directory/.test(stderr) ? "refused" : stderr,
    );
  }
  must(engine, ["rm", "-f", spinner]);
  expect([...seen].filter((text) => text !== "" && text !== "refused")).toEqual([]);
});

test("an image as a mount: all of its layers, or a part; read-only, and owned by the container's root", () => {
  const image = (more = ""): string[] => ["--mount", `type=image,src=layered:v1,dst=/i${more}`];
  expect(shell(engine, image(), "cat /i/lower /i/changed; ls /i/gone 2>&1; stat -c %u /i/lower")).toBe(
    "lowerafterls: /i/gone: No such file or directory\n0",
  );
  expect(run(engine, image(), ["touch", "/i/x"]).stderr).toContain("Read-only file system");
  expect(shell(engine, image(",image-subpath=etc"), "cat /i/deep")).toBe("deep");
  expect(shell(engine, image(",image-subpath=changed"), "cat /i")).toBe("after");
  expect(shell(engine, [...image(), "--privileged"], "cat /i/changed")).toBe("after");
  expect(shell(engine, ["--mount", "type=image,src=busybox,dst=/i"], "ls /i/bin/busybox")).toBe(
    "/i/bin/busybox",
  );
});

test("an image that is mounted somewhere stays", () => {
  const holder = start(engine, ["--mount", "type=image,src=layered:v1,dst=/i"]);
  const { code, stderr } = command(engine, ["rmi", "layered:v1"]);
  expect(code).toBe(1);
  expect(stderr).toContain("container");
  expect(execute(engine, holder, "cat /i/changed")).toBe("after");
});

test("what lies below a read-only bind is read-only too, unless it is told not to be", () => {
  const source = folder();
  engine.runInside("mkdir", ["-p", `${source}/below`]);
  engine.runInside("mount", ["-t", "tmpfs", "none", `${source}/below`]);
  const bind = (more: string): string[] => ["--mount", `type=bind,src=${source},dst=/b${more}`];
  const touch = (more: string): number | null => run(engine, bind(more), ["touch", "/b/below/x"]).code;
  expect(touch("")).toBe(0);
  expect(touch(",readonly")).toBe(1);
  expect(touch(",readonly,bind-recursive=writable")).toBe(0);
  expect(touch(",readonly,bind-propagation=rprivate,bind-recursive=readonly")).toBe(1);
  expect(shell(engine, bind(",bind-recursive=disabled"), "ls -A /b/below")).toBe("");
});

test("a bind's missing source is made where that is wanted", () => {
  const source = join(folder(), "made");
  const request = { Type: "bind", Source: source, Target: "/b", BindOptions: { CreateMountpoint: true } };
  return engine
    .request("POST", "/containers/create?name=made", {
      Image: "busybox",
      Cmd: ["true"],
      HostConfig: { NetworkMode: "none", Mounts: [request] },
    })
    .then(async () => {
      must(engine, ["start", "made"]);
      expect(readdirSync(source)).toEqual([]);
    });
});

test("options of a tmpfs", () => {
  const options = "tmpfs-size=1m,tmpfs-mode=1770";
  const seen = shell(
    engine,
    ["--mount", `type=tmpfs,dst=/t,${options}`],
    "stat -c %a /t; df -k /t | tail -n 1 | tr -s ' ' | cut -d' ' -f2; grep ' /t ' /proc/mounts",
  );
  expect(seen).toMatch(/^1770\n1024\n.*noexec/);
  expect(
    shell(engine, ["--tmpfs", "/t:exec,uid=5"], "stat -c %u /t; grep -c 'noexec.* /t ' /proc/mounts || true"),
  ).toBe("5\n0");
});

test("a volume takes what the image has, unless it is told not to", () => {
  expect(shell(engine, ["-v", "full:/etc"], "ls /etc/passwd")).toBe("/etc/passwd");
  expect(run(engine, ["-v", "empty:/etc:nocopy"], ["ls", "/etc/passwd"]).code).toBe(1);
  const mount = "type=volume,src=empty2,dst=/etc,volume-nocopy";
  expect(run(engine, ["--mount", mount], ["ls", "/etc/passwd"]).code).toBe(1);
});

test("a volume that a container makes has the labels and options that it names", () => {
  const mount =
    'type=volume,src=made,dst=/v,volume-label=a=1,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs,"volume-opt=o=size=1m,uid=7"';
  expect(
    shell(engine, ["--mount", mount], "stat -c %u /v; grep -c 'tmpfs /v tmpfs.*size=1024k' /proc/mounts"),
  ).toBe("7\n1");
  expect(must(engine, ["volume", "inspect", "-f", "{{json .Labels}} {{json .Options}}", "made"])).toBe(
    '{"a":"1"} {"device":"tmpfs","o":"size=1m,uid=7","type":"tmpfs"}',
  );
});
