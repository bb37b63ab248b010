/**
 * caisson's command line beside the real docker CLI, both against one engine: the same output, the same exit code.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { commands, type Entry } from "../../src/cli/commands.ts";
import { must, start } from "../support/containers.ts";
import { docker, noDocker } from "../support/docker.ts";
import { caisson, ended, TestEngine, type Ended } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  await importBusybox(engine, "other", "tag");
  // An older docker speaks an older version, in which some answers say less: both speak that.
  if (noDocker === undefined)
    process.env["DOCKER_API_VERSION"] = docker(engine, [
      "version",
      "-f",
      "{{.Client.APIVersion}}",
    ]).stdout.trim();
  start(engine, ["--name=runs", "-l", "k=v", "-v", "cli-volume:/data", "--hostname=host"]);
  start(engine, ["--name=ended"], ["sh", "-c", "echo out; echo err >&2; exit 3"]);
  must(engine, ["wait", "ended"]);
}, 120_000);
afterAll(async () => engine[Symbol.asyncDispose]());

/** What both may say differently: who they are, and how long ago something was. */
function normal({ code, stdout, stderr }: Ended): Ended {
  const text = (from: string): string =>
    from
      .replaceAll(/\b(\d+|About a|About an|Less than a) (second|minute|hour)s?\b/g, "N ago")
      .replaceAll(/\bcaisson\b/g, "docker")
      // How wide a column is follows how long ago something was.
      .replaceAll(/ {2,}/g, "  ");
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

describe("prints what docker prints", () => {
  test.each(
    [
      "ps",
      "ps -a",
      "ps -aq",
      "ps -a --no-trunc",
      "ps -as",
      "ps -l",
      "ps -n 1",
      "ps --filter status=exited --format {{.Names}}\\t{{.Status}}\\t{{.Ports}}",
      "ps -a --format json",
      "ps -a --format table\\t{{.ID}}\\t{{.Mounts}}\\t{{.Labels}}\\t{{.Networks}}",
      "ps --filter nosuch=1",
      "images",
      "images -q --no-trunc",
      "images --digests",
      "images --format {{.Repository}}:{{.Tag}}|{{.Size}}|{{.ID}}",
      "images --format json",
      "images --filter reference=oth*",
      "images nosuch",
      "history busybox",
      "history --no-trunc --format {{.CreatedBy}}|{{.Comment}}|{{.Size}} busybox",
      "inspect runs",
      "inspect busybox",
      "inspect runs nosuch",
      "inspect --type image runs",
      "inspect -f {{.State.Status}}|{{.HostConfig.CapAdd}}|{{.HostConfig.PortBindings}}|{{.HostConfig.Init}} runs",
      "inspect -f {{json\t.Config}} runs",
      "inspect -f {{json}} runs",
      "inspect -f {{.HostConfig.MemorySwappiness}}|{{.Config.Volumes}}|{{.Config.Entrypoint}} runs",
      "inspect -f {{range.Mounts}}{{.Destination}}={{.Name}}{{end}} runs",
      "inspect -f {{.Nosuch}} runs",
      "inspect -s -f {{.SizeRw}} ended",
      "image inspect other:tag",
      "image inspect nosuch",
      "volume ls",
      "volume ls -q --filter name=cli",
      "volume inspect cli-volume",
      "volume inspect nosuch",
      "volume create cli-volume",
      "network ls",
      "network inspect none",
      "logs ended",
      "logs --tail 1 ended",
      "logs nosuch",
      "top runs -o comm",
      "port runs",
      "exec runs echo hello",
      "exec runs sh -c exit\t4",
      "exec runs nosuch",
      "exec nosuch true",
      "exec -w /nosuch runs pwd",
      "kill -s FOO runs",
      "kill ended",
      "wait ended",
      "rm nosuch",
      "rm runs",
      "rmi nosuch",
      "tag nosuch x:y",
      "tag busybox BAD",
      "rename runs runs",
      "start nosuch",
      "stop nosuch",
      "restart nosuch",
      "pause ended",
      "attach ended",
      "run --rm --net=none busybox echo hi",
      "run --rm --net=none busybox sh -c exit\t7",
      "run --rm --net=none busybox nosuch",
      "run --rm --net=none busybox /etc",
      "run --rm --net=none -u nosuch busybox id",
      "run --rm --net=none --memory=1m busybox true",
      "create --name=runs --net=none busybox",
      "events --since 1 --until 2",
      "info -f {{.Driver}}|{{.Containers}}|{{.CgroupDriver}}|{{.Name}}|{{.Swarm.LocalNodeState}}",
      "version -f {{.Server.Version}}|{{.Server.APIVersion}}|{{.Server.Os}}/{{.Server.Arch}}",
      "container prune -f --filter label=nosuch",
      "volume prune -f --filter label=nosuch",
    ].map((line) => [line] as const),
  )("%s", (line) => {
    // A tab stands for a space inside of a word.
    const args = line.split(" ").map((word) => word.replaceAll("\t", " "));
    if (noDocker !== undefined) return;
    // What a run leaves in the text of its error is the container's own.
    const own = (result: Ended): Ended => {
      const { code, stdout, stderr } = normal(result);
      return { code, stdout, stderr: stderr.replaceAll(/HOSTNAME=[0-9a-f]{12}|"[0-9a-f]{64}"/g, "ID") };
    };
    expect(own(engine.caisson(args))).toEqual(own(docker(engine, args)));
  });
  testUnless(noDocker)("the docker CLI was there to compare with", () => expect(noDocker).toBeUndefined());
});

describe("--help", () => {
  const spelled = (entries: readonly Entry[], before: readonly string[]): string[][] =>
    entries
      .filter(({ hidden }) => hidden !== true)
      .flatMap((entry) => {
        const words = [...before, entry.name];
        return [words, ...spelled(entry.children ?? [], words)];
      });
  test.each(spelled(commands, []).map((words) => [words.join(" "), words] as const))("%s", (_, words) => {
    const { code, stdout, stderr } = ended(spawnSync(caisson, [...words, "--help"]));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^(\n?Usage:  caisson .*\n\n\S.*|\S.*\n\nUsage:  caisson )/s);
    expect(stdout).toContain(`caisson ${words.join(" ")}`);
  });
});

describe("which engine", () => {
  const version = ["version", "-f", "{{.Server.Os}}"];
  const bare = (args: readonly string[], env: Readonly<Record<string, string>>): Ended =>
    ended(spawnSync(caisson, args, { env: { PATH: process.env["PATH"] ?? "", HOME: "/nosuch", ...env } }));

  test("-H, DOCKER_HOST; a flag wins", () => {
    expect(bare(["-H", engine.host, ...version], {})).toMatchObject({ code: 0, stdout: "linux\n" });
    expect(bare(version, { DOCKER_HOST: engine.host })).toMatchObject({ code: 0, stdout: "linux\n" });
    const wrong = { DOCKER_HOST: "unix:///nosuch" };
    expect(bare(["-H", engine.host, ...version], wrong)).toMatchObject({ code: 0, stdout: "linux\n" });
  });

  test("one that isn't there is said to be, by its name", () => {
    const { code, stderr } = bare(["ps"], { DOCKER_HOST: "unix:///nosuch/sock" });
    expect(code).not.toBe(0);
    expect(stderr).toContain("unix:///nosuch/sock");
    expect(bare(["run", "busybox"], { DOCKER_HOST: "unix:///nosuch/sock" }).code).toBe(125);
  });
});
