/**
 * Volumes of plugins of Docker's protocol: made, mounted for who uses them, let go of whatever happens.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FakePlugin, type FakeAnswers } from "../../src/plugins/testing.ts";
import { removeAll } from "../support/containers.ts";
import { dockerEnvironment, dockerPath } from "../support/docker.ts";
import { caisson, TestEngine, type Ended } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.startWithMounts();
  // Where plugins are looked for, as only this engine sees it.
  inside("mount", "-t", "tmpfs", "none", "/run");
  inside("mkdir", "-p", "/run/docker/plugins");
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(async () => {
  await removeAll(engine);
  const all = await must("volume", "ls", "-q");
  if (all !== "") await must("volume", "rm", "-f", ...all.split("\n"));
});

function inside(name: string, ...args: readonly string[]): string {
  const { code, stdout, stderr } = engine.runInside(name, args);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Runs a command line; meanwhile the plugins of this process answer. */
async function command(args: readonly string[], program: string = dockerPath ?? caisson): Promise<Ended> {
  const child = spawn(program, args, {
    env: { ...process.env, ...dockerEnvironment(engine) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

async function must(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command(args);
  if (code !== 0) throw new Error(`${args.join(" ")}: exit code ${code}: ${stdout}${stderr}`);
  return stdout.trimEnd();
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000 * patience; !holds(); await delay(20)) {
    if (Date.now() > end) throw new Error(`never came to pass: ${what}`);
  }
}

/** A plugin whose volumes are folders; it counts who has them mounted. */
class FolderPlugin implements Disposable {
  readonly name: string;
  readonly folder: string;
  /** Who has each mounted. */
  readonly volumes: Map<string, Set<string>>;
  readonly #fake: FakePlugin;

  private constructor(name: string, folder: string, volumes: Map<string, Set<string>>, fake: FakePlugin) {
    this.name = name;
    this.folder = folder;
    this.volumes = volumes;
    this.#fake = fake;
  }

  static async start(name: string, more: FakeAnswers = {}): Promise<FolderPlugin> {
    const folder = join(engine.directory, `${name}.volumes`);
    const volumes = new Map<string, Set<string>>();
    const nameOf = (body: Readonly<Record<string, unknown>>): string => String(body["Name"]);
    const pathOf = (volume: string): string => join(folder, volume);
    const known = (volume: string, answer: (ids: Set<string>) => object): object => {
      const ids = volumes.get(volume);
      return ids === undefined ? { Err: `no volume ${volume}` } : answer(ids);
    };
    const socket = join(engine.directory, `${name}.sock`);
    const fake = await FakePlugin.listen(socket, {
      "Plugin.Activate": { Implements: ["VolumeDriver"] },
      "VolumeDriver.Capabilities": { Capabilities: { Scope: "global" } },
      "VolumeDriver.Create": (body) => {
        mkdirSync(pathOf(nameOf(body)), { recursive: true });
        volumes.set(nameOf(body), volumes.get(nameOf(body)) ?? new Set());
        return {};
      },
      "VolumeDriver.Remove": (body) =>
        known(nameOf(body), (ids) => {
          if (ids.size > 0) return { Err: "still mounted" };
          volumes.delete(nameOf(body));
          rmSync(pathOf(nameOf(body)), { recursive: true });
          return {};
        }),
      "VolumeDriver.Get": (body) =>
        known(nameOf(body), (ids) => ({
          Volume: { Name: nameOf(body), Mountpoint: pathOf(nameOf(body)), Status: { users: ids.size } },
        })),
      "VolumeDriver.List": () => ({
        Volumes: [...volumes.keys()].map((volume) => ({ Name: volume, Mountpoint: pathOf(volume) })),
      }),
      "VolumeDriver.Mount": (body) =>
        known(nameOf(body), (ids) => {
          ids.add(String(body["ID"]));
          return { Mountpoint: pathOf(nameOf(body)) };
        }),
      "VolumeDriver.Unmount": (body) =>
        known(nameOf(body), (ids) => {
          ids.delete(String(body["ID"]));
          return {};
        }),
      ...more,
    });
    inside("ln", "-sf", socket, `/run/docker/plugins/${name}.sock`);
    return new FolderPlugin(name, folder, volumes, fake);
  }

  asked(method: string): unknown {
    return this.#fake.asked(`VolumeDriver.${method}`);
  }

  users(volume: string): number {
    return this.volumes.get(volume)?.size ?? -1;
  }

  [Symbol.dispose](): void {
    this.#fake[Symbol.dispose]();
    inside("rm", "-f", `/run/docker/plugins/${this.name}.sock`);
  }
}

test("a volume of a plugin from its making to its end", async () => {
  using plugin = await FolderPlugin.start("folders");
  await must("volume", "create", "-d", "folders", "-o", "size=5", "--label", "a=b", "vol");
  expect(plugin.asked("Create")).toEqual({ Name: "vol", Opts: { size: "5" } });
  const [seen] = JSON.parse(await must("volume", "inspect", "vol")) as [object];
  expect(seen).toEqual({
    CreatedAt: "0001-01-01T00:00:00Z",
    Driver: "folders",
    Labels: { a: "b" },
    Mountpoint: join(plugin.folder, "vol"),
    Name: "vol",
    Options: { size: "5" },
    Scope: "global",
    Status: { users: 0 },
  });
  expect(await must("volume", "ls", "--format", "{{.Driver}} {{.Name}} {{.Scope}}")).toBe(
    "folders vol global",
  );
  expect(await must("volume", "ls", "-q", "-f", "driver=local")).toBe("");
  expect(
    await must("run", "--rm", "--net=none", "-v", "vol:/v", "busybox", "sh", "-c", "echo in >/v/f; ls /v"),
  ).toBe("f");
  expect(readFileSync(join(plugin.folder, "vol/f"), "utf8")).toBe("in\n");
  // Whoever removes it waits until it is let go of.
  await must("volume", "rm", "vol");
  expect(plugin.volumes.size).toBe(0);
});

test("each container counts once; what the image has is copied into what is empty", async () => {
  using plugin = await FolderPlugin.start("folders");
  const volume = "type=volume,src=data,volume-driver=folders";
  const run = (...more: readonly string[]): Promise<string> =>
    must("run", "-d", "--net=none", "--mount", `${volume},dst=/etc`, ...more, "busybox", "sleep", "1000");
  const first = await run("--mount", `${volume},dst=/again`);
  const second = await run();
  expect(plugin.users("data")).toBe(2);
  expect(await must("exec", second, "cat", "/etc/group")).toContain("nogroup");
  expect(
    await must("inspect", "-f", "{{(index .Mounts 0).Driver}} {{(index .Mounts 0).Source}}", second),
  ).toBe(`folders ${plugin.folder}/data`);
  await must("kill", first);
  await until("one is let go of", () => plugin.users("data") === 1);
  await must("rm", "-f", first, second);
  await until("both are", () => plugin.users("data") === 0);
});

test("--volume-driver; a name belongs to one driver", async () => {
  using plugin = await FolderPlugin.start("folders");
  using _other = await FolderPlugin.start("others");
  await must(
    "create",
    "--net=none",
    "--volume-driver",
    "folders",
    "-v",
    "vol:/v",
    "-v",
    "/anonymous",
    "busybox",
    "true",
  );
  expect([...plugin.volumes.keys()]).toContain("vol");
  expect(plugin.volumes.size).toBe(2);
  // One without a name goes with its container.
  await must("run", "--rm", "--net=none", "--volume-driver", "folders", "-v", "/gone", "busybox", "true");
  await until("it is gone", () => plugin.volumes.size === 2);
  const { code, stderr } = await command(["volume", "create", "-d", "others", "vol"]);
  expect(code).toBe(1);
  expect(stderr).toContain(
    "create vol: driver 'folders' already has volume 'vol': volume name must be unique",
  );
  expect((await command(["volume", "create", "-d", "local", "vol"])).stderr).toContain(
    "volume name must be unique",
  );
});

test("what a plugin refuses is told in its words, and nothing stays", async () => {
  using _ = await FolderPlugin.start("folders", {
    "VolumeDriver.Create": (body) => (body["Name"] === "bad" ? { Err: "no room" } : {}),
    "VolumeDriver.Mount": { Err: "out of order" },
  });
  const create = await command(["volume", "create", "-d", "folders", "bad"]);
  expect(create.stderr).toContain("create bad: no room");
  const run = await command([
    "run",
    "--net=none",
    "--volume-driver",
    "folders",
    "-v",
    "good:/v",
    "busybox",
    "true",
  ]);
  expect(run.stderr).toContain("error while mounting volume 'good': out of order");
  expect(await must("ps", "-aq")).toBe("");
});

test("volumes that only the plugin knows of are listed and used", async () => {
  using plugin = await FolderPlugin.start("folders");
  mkdirSync(join(plugin.folder, "old"), { recursive: true });
  writeFileSync(join(plugin.folder, "old/f"), "old");
  plugin.volumes.set("old", new Set());
  expect(await must("volume", "ls", "-q")).toBe("old");
  expect(await must("volume", "inspect", "-f", "{{.Driver}}", "old")).toBe("folders");
  const mount = "type=volume,src=old,dst=/v,volume-driver=folders";
  expect(await must("run", "--rm", "--net=none", "--mount", mount, "busybox", "cat", "/v/f")).toBe("old");
  await must("volume", "rm", "old");
});

test("a dead plugin holds up nobody else, and can be forgotten", async () => {
  {
    using _ = await FolderPlugin.start("mortal");
    await must("volume", "create", "-d", "mortal", "lost");
  }
  await must("volume", "create", "here");
  const list = (await engine.request("GET", "/volumes")).json<{
    readonly Volumes: { readonly Name: string }[];
    readonly Warnings: string[];
  }>();
  expect(list.Volumes.map(({ Name }) => Name).toSorted()).toEqual(["here", "lost"]);
  expect(list.Warnings).toEqual([expect.stringContaining("list mortal: ")]);
  const begin = Date.now();
  expect(await must("run", "--rm", "--net=none", "-v", "here:/v", "busybox", "echo", "on")).toBe("on");
  expect(Date.now() - begin).toBeLessThan(5000 * patience);
  await must("volume", "rm", "-f", "lost");
  expect(await must("volume", "ls", "-q")).toBe("here");
}, 60_000);

test("an engine that was killed lets go of what ended meanwhile", async () => {
  using plugin = await FolderPlugin.start("folders");
  const run = (seconds: string): Promise<string> =>
    must("run", "-d", "--net=none", "--volume-driver=folders", "-v", "vol:/v", "busybox", "sleep", seconds);
  await run("2");
  await run("1000");
  expect(plugin.users("vol")).toBe(2);
  await engine.kill();
  await delay(2500);
  await engine.resume();
  await until("one is let go of", () => plugin.users("vol") === 1);
  await removeAll(engine);
  await until("both are", () => plugin.users("vol") === 0);
}, 60_000);

test("events of mounting name the driver", async () => {
  using _ = await FolderPlugin.start("folders");
  const since = (Date.now() / 1000).toFixed(3);
  await must("run", "--rm", "--net=none", "--volume-driver=folders", "-v", "vol:/v", "busybox", "true");
  const filters = encodeURIComponent(JSON.stringify({ type: { volume: true } }));
  const until = (Date.now() / 1000).toFixed(3);
  const { body } = await engine.request("GET", `/events?since=${since}&until=${until}&filters=${filters}`);
  const events = body
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const event = JSON.parse(line) as {
        readonly Action: string;
        readonly Actor: { readonly Attributes: { readonly driver: string } };
      };
      return `${event.Action} ${event.Actor.Attributes.driver}`;
    });
  expect(events).toEqual(["create folders", "mount folders", "unmount folders"]);
});
