/**
 * What a container became: `docker diff`, `export` and `commit`.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readTar, type TarEntry } from "../../src/image/mod.ts";
import { loadImage } from "../support/archive.ts";
import { eventually, execute, inspect, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterEach(() => removeAll(engine));
afterAll(async () => engine[Symbol.asyncDispose]());

interface Change {
  readonly Path: string;
  readonly Kind: number;
}

/** As `docker diff` prints it. */
async function changes(container: string): Promise<string[]> {
  const answer = await engine.request("GET", `/containers/${container}/changes`);
  expect(answer.status).toBe(200);
  return (answer.json<Change[] | null>() ?? []).map(({ Path, Kind }) => `${"CAD"[Kind]} ${Path}`);
}

/** A container in which the script has run to its end. */
function ran(script: string, ...flags: readonly string[]): string {
  const id = must(engine, ["create", "--net=none", ...flags, "busybox", "sh", "-c", script]);
  must(engine, ["start", "-a", id]);
  return id;
}

const list = (archive: Buffer, ...options: readonly string[]): string =>
  spawnSync("tar", ["-t", ...options, "-f", "-"], { input: archive, encoding: "utf8", maxBuffer: 1 << 28 })
    .stdout;

test("nothing was changed: null, whether it ever ran or not", async () => {
  const created = must(engine, ["create", "--net=none", "busybox", "true"]);
  for (const id of [created, ran("true")]) {
    const answer = await engine.request("GET", `/containers/${id}/changes`);
    expect([answer.status, answer.body.toString()]).toEqual([200, "null\n"]);
  }
});

test("what was added, changed and removed, as in Docker", async () => {
  const script = `
    rm /etc/group; echo a >/etc/passwd; mkdir -p /n/m; touch /n/m/o; rm -r /var; mkdir /var; touch /var/q
    chmod 700 /root; mknod /tmp/fifo p; rm /bin/vi; echo >>/etc/hosts; ln /etc/passwd /etc/second`;
  expect(await changes(ran(script))).toEqual([
    "C /bin",
    "D /bin/vi",
    "C /etc",
    "D /etc/group",
    "C /etc/passwd",
    "A /etc/second",
    "A /n",
    "A /n/m",
    "A /n/m/o",
    "C /root",
    "C /tmp",
    "A /tmp/fifo",
    "C /var",
    "A /var/q",
  ]);
});

test("a directory in a file's place and the other way round; one that was emptied", async () => {
  await loadImage(engine, "tree", [
    { type: "directory", path: "d" },
    { type: "file", path: "d/in", size: 0 },
    { type: "directory", path: "e" },
    { type: "file", path: "e/in", size: 0 },
    { type: "file", path: "f", size: 0 },
  ]);
  const script = "rm -r /d; touch /d; rm /f; mkdir /f; touch /f/new; rm -r /e; mkdir /e";
  const id = must(engine, ["create", "--net=none", "tree", "sh", "-c", script]);
  must(engine, ["start", "-a", id]);
  expect(await changes(id)).toEqual(["C /d", "C /e", "D /e/in", "C /f", "A /f/new"]);
});

test("a running container: its mounts are no changes, their places are", async () => {
  const id = start(engine, ["-v", "/vol/deep", "--tmpfs", "/t"]);
  execute(engine, id, "touch /vol/deep/x /t/x");
  expect(await changes(id)).toEqual(["A /t", "A /vol", "A /vol/deep"]);
  must(engine, ["pause", id]);
  expect(await changes(id)).toEqual(["A /t", "A /vol", "A /vol/deep"]);
  must(engine, ["unpause", id]);
});

test.each(["running", "stopped"])(
  "export of a %s container: its root without what is mounted in it",
  async (state) => {
    const id = start(engine, ["-v", "/data", "--tmpfs", "/t"]);
    execute(
      engine,
      id,
      "touch /data/x /t/x; mkdir -m 700 /made; echo content >/made/f; chown 5:6 /made/f; rm /etc/group",
    );
    if (state === "stopped") must(engine, ["kill", id]);
    const answer = await engine.request("GET", `/containers/${id}/export`);
    expect(answer.status).toBe(200);
    const names = list(answer.body).split("\n");
    expect(names).toContain("data/");
    expect(names).toContain("t/");
    expect(names).toContain("proc/");
    expect(names.filter((name) => /^(data|t|proc|sys)\/./.test(name) || name === "etc/group")).toEqual([]);
    const lines = list(answer.body, "-v", "--numeric-owner").split("\n");
    expect(lines.find((line) => line.endsWith(" made/f"))).toMatch(/^-rw-r--r-- 5\/6 +8 /);
    expect(lines.find((line) => line.endsWith(" bin/busybox"))).toMatch(/^-rwxr-xr-x 0\/0 /);
    const imported = await engine.request("POST", "/images/create?fromSrc=-&repo=exported", answer.body);
    expect(imported.body.toString()).toContain("sha256:");
    expect(must(engine, ["run", "--rm", "--net=none", "exported", "/bin/cat", "/made/f"])).toBe("content");
  },
);

test("a container that is being exported can be started", async () => {
  const id = ran("dd if=/dev/zero of=/big bs=1M count=64 2>/dev/null");
  const exporting = engine.request("GET", `/containers/${id}/export`);
  expect((await engine.request("POST", `/containers/${id}/start`)).status).toBe(204);
  expect((await exporting).status).toBe(200);
});

const commit = async (
  id: string,
  query: Record<string, string | string[]>,
  body?: object,
): Promise<string> => {
  const search = new URLSearchParams({ container: id });
  for (const [key, values] of Object.entries(query))
    for (const value of [values].flat()) search.append(key, value);
  const answer = await engine.request("POST", `/commit?${search.toString()}`, body ?? {});
  if (answer.status !== 201) return `${answer.status} ${answer.json<{ message: string }>().message}`;
  return answer.json<{ Id: string }>().Id;
};

interface Image {
  readonly Id: string;
  readonly Author: string;
  readonly Comment: string;
  readonly Config: Readonly<Record<string, unknown>>;
  readonly RootFS: { readonly Layers: readonly string[] };
}
const image = async (name: string): Promise<Image> =>
  (await engine.request("GET", `/images/${name}/json`)).json<Image>();

test("a committed image runs, with what was changed and what was asked for", async () => {
  const id = start(engine, ["-v", "/data", "-e", "OWN=1", "--label", "from=container"]);
  execute(
    engine,
    id,
    `mkdir -p /made/deep; echo content >/made/deep/f; chown 7:8 /made/deep/f; chmod 4755 /made/deep/f; rm /etc/group
     rm -r /var; mkdir /var; touch /var/new; ln -s deep/f /made/link; ln /made/deep/f /made/hard; touch /data/x; mkfifo /made/p`,
  );
  const Id = await commit(id, {
    repo: "made",
    tag: "one",
    author: "me",
    comment: "because",
    changes: [
      'CMD ["cat", "/made/deep/f"]\nENV A=b C=d',
      "LABEL x=y",
      "EXPOSE 80",
      "WORKDIR /made",
      "USER 7",
    ],
  });
  expect(Id).toStartWith("sha256:");
  expect(must(engine, ["run", "--rm", "--net=none", "made:one"])).toBe("content");
  const script = `stat -c '%n %u:%g %a %h %F' deep/f link p; ls -A /var /data; ls /etc/group; id -u; echo $A $OWN`;
  const ended = engine.caisson(["run", "--rm", "--net=none", "made:one", "sh", "-c", script]);
  expect(ended.stdout.trim().split("\n")).toEqual([
    "deep/f 7:8 4755 2 regular file",
    "link 0:0 777 1 symbolic link",
    "p 0:0 644 1 fifo",
    "/data:",
    "",
    "/var:",
    "new",
    "7",
    "b 1",
  ]);
  expect(ended.stderr).toContain("/etc/group: No such file");
  expect(await image("made:one")).toMatchObject({
    Id,
    Author: "me",
    Comment: "because",
    Config: {
      Cmd: ["cat", "/made/deep/f"],
      Env: ["OWN=1", "PATH=/bin", "A=b", "C=d"],
      Labels: { from: "container", x: "y" },
      ExposedPorts: { "80/tcp": {} },
      WorkingDir: "/made",
      User: "7",
    },
  });
  // It went on in the meantime, and isn't paused.
  expect((await inspect(engine, id)).State.Status).toBe("running");
  // It can be saved and loaded.
  const saved = await engine.request("GET", "/images/made:one/get");
  await engine.request("DELETE", "/images/made:one?force=1");
  await engine.request("POST", "/images/load", saved.body);
  expect((await image("made:one")).Id).toBe(Id);
  expect(must(engine, ["run", "--rm", "--net=none", "made:one"])).toBe("content");
});

test("the body's configuration counts before the container's", async () => {
  const id = ran("true", "-e", "OWN=1", "--workdir=/tmp");
  const Id = await commit(
    id,
    {},
    { Cmd: ["other"], Env: ["Q=1"], Labels: { l: "m" }, ExposedPorts: { "80/tcp": {} } },
  );
  expect((await image(Id)).Config).toMatchObject({
    Cmd: ["other"],
    Env: ["Q=1", "OWN=1", "PATH=/bin"],
    Labels: { l: "m" },
    WorkingDir: "/tmp",
  });
});

test("a container that changed nothing makes an image without a layer more", async () => {
  const below = await image("busybox");
  const made = await image(await commit(ran("true"), { repo: "same" }));
  expect(made.RootFS.Layers).toEqual(below.RootFS.Layers);
});

test("images on images: each has the container's layer", async () => {
  await commit(ran("echo one >/one"), { repo: "chain1" });
  const id = must(engine, ["create", "--net=none", "chain1", "sh", "-c", "rm /one; echo two >/two"]);
  must(engine, ["start", "-a", id]);
  await commit(id, { repo: "chain2" });
  expect(must(engine, ["run", "--rm", "--net=none", "chain2", "sh", "-c", "ls / | grep -E 'one|two'"])).toBe(
    "two",
  );
});

test("what can't be committed is said before anything is made", async () => {
  const id = ran("true");
  const before = (await engine.request("GET", "/images/json?all=1")).body.toString();
  expect(await commit("absent", {})).toBe("404 No such container: absent");
  expect(await commit("", {})).toBe('400 invalid name or ID supplied: ""');
  expect(await commit(id, { repo: "UP" })).toContain("400 invalid reference format: repository name");
  expect(await commit(id, { repo: "a", tag: "b@c" })).toBe("400 invalid tag format");
  expect(await commit(id, { repo: "a", changes: "RUN x" })).toBe("400 RUN is not a valid change command");
  expect((await engine.request("GET", "/images/json?all=1")).body.toString()).toBe(before);
});

test("a file's capability is kept, as it is inside", async () => {
  // cap_net_raw=ep, revision 2: on disk it may name the container's root, which in an image means nobody.
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
  const body = Buffer.from("x");
  const xattrs = new Map([["security.capability", capability]]);
  await loadImage(engine, "capable", [{ type: "file", path: "bin/raw", mode: 0o755, size: 1, body, xattrs }]);
  const id = must(engine, ["create", "--net=none", "capable", "sh", "-c", "mv /bin/raw /raw"]);
  must(engine, ["start", "-a", id]);
  expect(await changes(id)).toEqual(["C /bin", "D /bin/raw", "A /raw"]);
  await commit(id, { repo: "capable2" });
  const kept = await topLayer("capable2");
  expect([...kept.keys()]).toEqual(["bin/", "bin/.wh.raw", "raw"]);
  expect(Buffer.from(kept.get("raw")?.xattrs.get("security.capability") ?? []).toString("hex")).toBe(
    capability.toString("hex"),
  );
});

test("a container whose commit was cut short goes on with the next engine", async () => {
  const id = start(engine, []);
  execute(engine, id, "dd if=/dev/zero of=/big bs=1M count=256 2>/dev/null");
  const cut = commit(id, { repo: "cut" }).catch(() => "cut");
  await eventually("a pause", async () => (await inspect(engine, id)).State.Paused || undefined);
  await engine.kill();
  await cut;
  await engine.resume();
  expect((await inspect(engine, id)).State).toMatchObject({ Status: "running", Paused: false });
  expect(execute(engine, id, "echo on")).toBe("on");
  expect((await engine.request("GET", "/images/cut/json")).status).toBe(404);
  expect(await commit(id, { repo: "whole" })).toStartWith("sha256:");
});

/** The entries of an image's topmost layer. */
async function topLayer(name: string): Promise<Map<string, TarEntry>> {
  const layers = (await image(name)).RootFS.Layers;
  const saved = await engine.request("GET", `/images/${name}/get`);
  const found = new Map<string, TarEntry>();
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield saved.body;
  }
  for await (const member of readTar(whole())) {
    if (member.path !== `blobs/${layers.at(-1)?.replace(":", "/")}`) continue;
    for await (const entry of readTar(member.body)) found.set(entry.path, entry);
  }
  return found;
}
