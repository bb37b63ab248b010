/**
 * `docker cp`: files in and out of containers, whether they run or not, with the owners that they have inside.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { readTar, type TarEntry } from "../../src/image/mod.ts";
import { tarOf } from "../support/archive.ts";
import { command, execute, must, removeAll, start } from "../support/containers.ts";
import { compose, docker, noCompose, noDocker } from "../support/docker.ts";
import { TestEngine, type Answer } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterEach(() => removeAll(engine));
afterAll(async () => engine[Symbol.asyncDispose]());

const folder = (): string => mkdtempSync(join(engine.directory, "cp."));
const create = (...flags: readonly string[]): string =>
  must(engine, ["create", "--net=none", ...flags, "busybox", "sleep", "1000"]);
const put = (container: string, path: string, body: Uint8Array, query = ""): Promise<Answer> =>
  engine.request("PUT", `/containers/${container}/archive?path=${encodeURIComponent(path)}${query}`, body);
const get = (container: string, path: string): Promise<Answer> =>
  engine.request("GET", `/containers/${container}/archive?path=${encodeURIComponent(path)}`);
const message = (answer: Answer): [number, string] => [
  answer.status,
  answer.body.length === 0 ? "" : answer.json<{ message: string }>().message,
];

interface Member extends Pick<TarEntry, "type" | "uid" | "gid" | "mode" | "linkPath"> {
  readonly content: string;
}

/** What an answer's archive holds. */
async function members(answer: Answer): Promise<Record<string, Member>> {
  expect(answer.status).toBe(200);
  const found: Record<string, Member> = {};
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield answer.body;
  }
  for await (const { path, type, uid, gid, mode, linkPath, body } of readTar(chunks())) {
    const content = Buffer.concat(await Array.fromAsync(body, (chunk) => chunk.slice())).toString("utf8");
    found[path] = { type, uid, gid, mode, linkPath, content };
  }
  return found;
}

/** The two states that a container can be in, each with how it gets there. */
const states: readonly [string, (...flags: readonly string[]) => string][] = [
  ["created", create],
  ["running", (...flags) => start(engine, flags)],
];

test.each(states)("a %s container: owners, modes and links arrive as they are", async (state, make) => {
  const id = make();
  const archive = await tarOf([
    { type: "directory", path: "made", mode: 0o2750, uid: 5, gid: 6 },
    { type: "file", path: "made/file", mode: 0o4711, uid: 7, gid: 8, size: 5, body: Buffer.from("hello") },
    { type: "symlink", path: "made/link", linkPath: "/etc/../nowhere", uid: 9, gid: 9 },
    { type: "hardlink", path: "made/second", linkPath: "made/file" },
    { type: "fifo", path: "made/fifo", mode: 0o600 },
    { type: "file", path: "new/deep/x", size: 1, body: Buffer.from("x") },
  ]);
  expect((await put(id, "/tmp", archive)).status).toBe(200);
  if (state === "created") must(engine, ["start", id]);
  const seen = execute(
    engine,
    id,
    'cd /tmp; for f in made made/* new new/deep/x; do stat -c "%n %a %u:%g %F" $f; done; stat -c %h made/file',
  );
  expect(seen.split("\n")).toEqual([
    "made 2750 5:6 directory",
    "made/fifo 600 0:0 fifo",
    "made/file 4711 7:8 regular file",
    "made/link 777 9:9 symbolic link",
    "made/second 4711 7:8 regular file",
    "new 755 0:0 directory",
    "new/deep/x 644 0:0 regular file",
    "2",
  ]);
  const out = await members(await get(id, "/tmp/made"));
  expect(Object.keys(out)).toEqual(["made/", "made/fifo", "made/file", "made/link", "made/second"]);
  expect(out["made/file"]).toMatchObject({ uid: 7, gid: 8, mode: 0o4711, content: "hello" });
  expect(out["made/second"]).toMatchObject({ type: "hardlink", linkPath: "made/file" });
  expect(out["made/link"]).toMatchObject({ type: "symlink", linkPath: "/etc/../nowhere", uid: 9 });
});

test.each(states)("a %s container: volumes, binds and tmpfs are where they belong", async (state, make) => {
  const bound = folder();
  writeFileSync(join(bound, "inside"), "of the host");
  const id = make(
    "-v",
    "cp-volume:/v",
    "-v",
    `${bound}:/b`,
    "-v",
    `${bound}:/r:ro`,
    "-v",
    `${bound}/inside:/one`,
    "--tmpfs=/t",
  );
  const one = await tarOf([{ type: "file", path: "f", size: 3, body: Buffer.from("new") }]);
  for (const path of ["/v", "/b"]) expect((await put(id, path, one)).status).toBe(200);
  expect(readFileSync(join(bound, "f"), "utf8")).toBe("new");
  // As if the container's root had made it: mapped ids.
  expect(statSync(join(bound, "f")).uid).toBe(0);
  expect((await members(await get(id, "/one")))["one"]?.content).toBe("of the host");
  expect((await members(await get(id, "/v/f")))["f"]).toMatchObject({ content: "new", uid: 0 });
  expect(message(await put(id, "/r", one))).toEqual([400, "mounted volume is marked read-only"]);
  expect((await put(id, "/t", one)).status).toBe(state === "running" ? 200 : 404);
  if (state === "running") expect(execute(engine, id, "cat /t/f")).toBe("new");
  must(engine, ["rm", "-f", id]);
  must(engine, ["volume", "rm", "cp-volume"]);
});

test("volumes with options, parts of volumes, and images as mounts", async () => {
  const bound = folder();
  mkdirSync(join(bound, "part"));
  must(engine, ["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", `device=${bound}`, "optioned"]);
  must(engine, ["volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "volatile"]);
  const one = await tarOf([{ type: "file", path: "f", size: 3, body: Buffer.from("new") }]);
  const user = start(engine, ["-v", "volatile:/t"]);
  expect((await put(user, "/t", one)).status).toBe(200);
  const flags = ["-v", "optioned:/o", "-v", "volatile:/t"];
  const parts = ["--mount", "type=volume,src=optioned,dst=/p,volume-subpath=part"];
  const image = ["--mount", "type=image,src=busybox,dst=/i"];
  const id = create(...flags, ...parts, ...image);
  for (const path of ["/o", "/p"]) expect((await put(id, path, one)).status).toBe(200);
  expect([readFileSync(join(bound, "f"), "utf8"), readFileSync(join(bound, "part/f"), "utf8")]).toEqual([
    "new",
    "new",
  ]);
  // One volume for all who have it, whether they run or not.
  expect((await members(await get(id, "/t/f")))["f"]?.content).toBe("new");
  expect((await members(await get(id, "/i/etc/passwd")))["passwd"]?.content).toContain("root:");
  expect(message(await put(id, "/i", one))).toEqual([400, "mounted volume is marked read-only"]);
  must(engine, ["start", id]);
  expect(execute(engine, id, "cat /o/f /p/f /t/f")).toBe("newnewnew");
  expect((await members(await get(id, "/p/f")))["f"]?.content).toBe("new");
  must(engine, ["rm", "-f", id, user]);
  must(engine, ["volume", "rm", "optioned", "volatile"]);
});

test("a container that is read-only takes nothing but in its volumes", async () => {
  const one = await tarOf([{ type: "file", path: "f", size: 3, body: Buffer.from("new") }]);
  for (const make of [create, (...flags: readonly string[]) => start(engine, flags)]) {
    const id = make("--read-only", "-v", "/v");
    expect(message(await put(id, "/tmp", one))).toEqual([400, "container rootfs is marked read-only"]);
    expect((await put(id, "/v", one)).status).toBe(200);
    expect((await get(id, "/etc")).status).toBe(200);
  }
});

test("errors are Docker's, and change nothing", async () => {
  const id = create("--name=errors");
  const one = await tarOf([{ type: "file", path: "f", size: 3, body: Buffer.from("new") }]);
  const missing = "Could not find the file /nope in container errors";
  expect(message(await get("errors", "/nope"))).toEqual([404, missing]);
  expect(message(await put("errors", "/nope", one))).toEqual([404, missing]);
  expect((await engine.request("HEAD", "/containers/errors/archive?path=/nope")).status).toBe(404);
  expect(message(await get("absent", "/etc"))).toEqual([404, "No such container: absent"]);
  expect(message(await get("errors", ""))).toEqual([400, "bad parameter: pathcannot be empty"]);
  expect(message(await put("errors", "/etc/passwd", one))).toEqual([
    400,
    "extraction point is not a directory",
  ]);
  expect(message(await get("errors", "/etc/passwd/x"))).toEqual([
    400,
    "lstat /etc/passwd/x: not a directory",
  ]);
  expect((await get("errors", "/etc/\0")).status).toBe(400);
  const junk = await put("errors", "/tmp", Buffer.from("this is no archive"));
  expect(message(junk)).toEqual([400, "archive: unexpected EOF at byte 18"]);
  expect(JSON.parse(must(engine, ["inspect", "-f", "{{json .State.Status}}", id]))).toBe("created");
  expect(Object.keys(await members(await get("errors", "/tmp")))).toEqual(["tmp/"]);
});

test("a directory in a file's place and the other way round, as the client wants it", async () => {
  const id = create();
  const archive = await tarOf([
    { type: "directory", path: "a" },
    { type: "file", path: "b", size: 1, body: Buffer.from("b") },
  ]);
  const other = await tarOf([
    { type: "file", path: "a", size: 1, body: Buffer.from("a") },
    { type: "directory", path: "b" },
  ]);
  expect((await put(id, "/tmp", archive)).status).toBe(200);
  const strict = "&noOverwriteDirNonDir=1";
  expect(message(await put(id, "/tmp", other, strict))).toEqual([
    400,
    'cannot overwrite directory "a" with non-directory "/tmp"',
  ]);
  const directory = await tarOf([{ type: "directory", path: "b" }]);
  expect(message(await put(id, "/tmp", directory, strict))).toEqual([
    400,
    'cannot overwrite non-directory "b" with directory "/tmp"',
  ]);
  expect((await put(id, "/tmp", other)).status).toBe(200);
  const after = await members(await get(id, "/tmp"));
  expect([after["tmp/a"]?.type, after["tmp/b/"]?.type]).toEqual(["file", "directory"]);
});

test("copyUIDGID gives everything to the container's user", async () => {
  const archive = await tarOf([{ type: "file", path: "f", uid: 5, gid: 5, size: 1, body: Buffer.from("b") }]);
  for (const [user, owner] of [
    ["nobody", { uid: 65534, gid: 65534 }],
    ["1000:1001", { uid: 1000, gid: 1001 }],
  ] as const) {
    const id = create("--user", user);
    expect((await put(id, "/tmp", archive, "&copyUIDGID=1")).status).toBe(200);
    expect((await members(await get(id, "/tmp/f")))["f"]).toMatchObject(owner);
  }
  const id = create("--user=absent");
  expect(message(await put(id, "/tmp", archive, "&copyUIDGID=1"))).toEqual([
    400,
    'failed to look up user "absent" in container: no matching entries in passwd file',
  ]);
});

test.each(["none", "gzip", "bzip2", "xz", "zstd"])("an archive compressed by %s", async (program) => {
  const id = create();
  const plain = await tarOf([{ type: "file", path: "f", size: 3, body: Buffer.from("new") }]);
  const { stdout } = program === "none" ? { stdout: plain } : spawnSync(program, ["-c"], { input: plain });
  expect((await put(id, "/tmp", stdout)).status).toBe(200);
  expect((await members(await get(id, "/tmp/f")))["f"]?.content).toBe("new");
});

test("the answer is compressed as the client asks", () => {
  const id = create();
  const ask = (accept: string): { readonly head: string; readonly tar: string } => {
    const url = `http://d/containers/${id}/archive?path=/etc/passwd`;
    const head = join(folder(), "head");
    const curl = ["-s", "-D", head, "--unix-socket", engine.socket, "-H", `Accept-Encoding: ${accept}`];
    const { stdout } = spawnSync("curl", [...curl, "--compressed", url]);
    const { stdout: tar } = spawnSync("tar", ["-tf", "-"], { input: stdout, encoding: "utf8" });
    const coding = /content-encoding: \S+/i.exec(readFileSync(head, "utf8"))?.[0].toLowerCase() ?? "";
    return { head: coding, tar };
  };
  expect(ask("gzip, deflate")).toEqual({ head: "content-encoding: gzip", tar: "passwd\n" });
  expect(ask("gzip;q=0.1, deflate")).toEqual({ head: "content-encoding: deflate", tar: "passwd\n" });
  expect(ask("identity")).toEqual({ head: "", tar: "passwd\n" });
});

test("links at the end of a path are told, and followed where the path says so", async () => {
  const id = start(engine, []);
  execute(engine, id, "ln -s ../../../etc /le; ln -s nope /broken; ln -s a /a");
  const stat = async (path: string): Promise<unknown> => {
    const { stdout } = spawnSync(
      "curl",
      ["-sI", "--unix-socket", engine.socket, `http://d/containers/${id}/archive?path=${path}`],
      { encoding: "utf8" },
    );
    const header = /path-stat: (\S+)/i.exec(stdout)?.[1];
    return header === undefined
      ? /HTTP\S+ (\d+)/.exec(stdout)?.[1]
      : JSON.parse(Buffer.from(header, "base64").toString());
  };
  expect(await stat("/le")).toMatchObject({ name: "le", mode: 2 ** 27 + 0o777, linkTarget: "/etc" });
  expect(await stat("/le/")).toMatchObject({ name: "le", mode: 2 ** 31 + 0o755, linkTarget: "" });
  expect(await stat("/le/passwd")).toMatchObject({ name: "passwd", mode: 0o644 });
  expect(await stat("/broken")).toMatchObject({ linkTarget: "/nope" });
  expect(await stat("/tmp")).toMatchObject({ mode: 2 ** 31 + 2 ** 20 + 0o777 });
  expect(await stat("/a")).toBe("400");
  expect(Object.keys(await members(await get(id, "/le")))).toEqual(["le"]);
  expect(Object.keys(await members(await get(id, "/le/.")))).toContain("./passwd");
});

test("events tell of it", async () => {
  const id = create();
  await get(id, "/etc");
  await put(id, "/tmp", await tarOf([]));
  const until = Math.ceil(Date.now() / 1000) + 1;
  const filters = encodeURIComponent(JSON.stringify({ container: [id] }));
  const events = await engine.request("GET", `/events?since=1&until=${until}&filters=${filters}`);
  const actions = events.body
    .toString()
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { Action: string }).Action);
  expect(actions).toEqual(["create", "archive-path", "extract-to-dir"]);
});

test("a container that removes itself takes files before its start", async () => {
  const id = create("--rm");
  const one = await tarOf([{ type: "file", path: "f", size: 3, body: Buffer.from("new") }]);
  for (let n = 0; n < 2; n++) expect((await put(id, "/tmp", one)).status).toBe(200);
  must(engine, ["start", id]);
  expect(execute(engine, id, "cat /tmp/f")).toBe("new");
});

test("without a user namespace owners are the same, and devices can be made", async () => {
  const archive = await tarOf([
    { type: "char", path: "null", major: 1, minor: 3, mode: 0o666 },
    { type: "file", path: "f", uid: 1_234_567, gid: 5, size: 3, body: Buffer.from("new") },
  ]);
  for (const make of [create, (...flags: readonly string[]) => start(engine, flags)]) {
    const id = make("--privileged");
    expect((await put(id, "/tmp", archive)).status).toBe(200);
    const out = await members(await get(id, "/tmp"));
    expect(out["tmp/f"]).toMatchObject({ uid: 1_234_567, gid: 5 });
    expect(out["tmp/null"]?.type).toBe("char");
  }
  // A user namespace has no devices to give, and no such user.
  const id = create();
  expect((await put(id, "/tmp", archive)).status).toBe(500);
});

testUnless(noCompose)("compose puts configs and secrets where they belong, before the start", () => {
  const project = folder();
  writeFileSync(join(project, "secret"), "from a file");
  writeFileSync(
    join(project, "compose.yaml"),
    `services:
  web:
    image: busybox
    network_mode: none
    command: sh -c 'cat /run/secrets/token /etc/app.conf; stat -c "%a %u" /etc/app.conf'
    configs:
      - source: app
        target: /etc/app.conf
        mode: 0440
    secrets:
      - token
configs:
  app:
    content: "from text\\n"
secrets:
  token:
    file: ./secret
`,
  );
  const { code, stdout, stderr } = compose(engine, project, ["up", "--no-log-prefix"]);
  expect([code, stderr.includes("rror")]).toEqual([0, false]);
  expect(stdout).toContain("from a filefrom text\n440 0");
  compose(engine, project, ["down"]);
});

testUnless(noDocker)("docker cp in all its forms", () => {
  const id = start(engine, []);
  const cp = (from: string, to: string, ...flags: readonly string[]): [number | null, string] => {
    const { code, stderr } = docker(engine, ["cp", ...flags, from, to]);
    return [code, stderr.trim()];
  };
  const source = folder();
  mkdirSync(join(source, "dir/sub"), { recursive: true });
  writeFileSync(join(source, "dir/sub/file"), "deep");
  writeFileSync(join(source, "file"), "content");
  symlinkSync("file", join(source, "link"));
  const done = [0, expect.any(String)];
  expect(cp(`${source}/file`, `${id}:/tmp/renamed`)).toEqual(done as never);
  expect(cp(`${source}/file`, `${id}:/tmp/`)).toEqual(done as never);
  expect(cp(`${source}/dir`, `${id}:/tmp`)).toEqual(done as never);
  expect(cp(`${source}/dir`, `${id}:/tmp/new`)).toEqual(done as never);
  expect(cp(`${source}/dir/.`, `${id}:/tmp/new`)).toEqual(done as never);
  expect(cp(`${source}/link`, `${id}:/tmp/aslink`)).toEqual(done as never);
  expect(cp(`${source}/link`, `${id}:/tmp/asfile`, "-L")).toEqual(done as never);
  expect(cp(`${source}/file`, `${id}:/no/such/file`)[0]).toBe(1);
  expect(cp(`${source}/file`, `${id}:/tmp/none/`)[1]).toContain("no such directory");
  expect(cp(`${source}/dir`, `${id}:/tmp/renamed`)[1]).toContain("cannot copy directory");
  expect(execute(engine, id, "cd /tmp; find . | sort; cat renamed; readlink aslink")).toBe(
    [
      ".",
      "./asfile",
      "./aslink",
      "./dir",
      "./dir/sub",
      "./dir/sub/file",
      "./file",
      "./new",
      "./new/sub",
      "./new/sub/file",
      "./renamed",
      "contentfile",
    ].join("\n"),
  );
  const out = folder();
  expect(cp(`${id}:/tmp/dir`, `${out}/dir2`)).toEqual(done as never);
  expect(cp(`${id}:/tmp/dir/.`, out)).toEqual(done as never);
  expect(cp(`${id}:/tmp/aslink`, `${out}/l`, "-L")).toEqual(done as never);
  expect((readdirSync(out, { recursive: true }) as string[]).toSorted()).toEqual([
    "dir2",
    "dir2/sub",
    "dir2/sub/file",
    "l",
    "sub",
    "sub/file",
  ]);
  expect(readFileSync(join(out, "l"), "utf8")).toBe("content");
  const stream = command(engine, ["cp", `${id}:/tmp/dir`, "-"]);
  expect(spawnSync("tar", ["-tf", "-"], { input: stream.stdout, encoding: "utf8" }).stdout).toBe(
    "dir/\ndir/sub/\ndir/sub/file\n",
  );
});
