import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, statSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StateDatabase } from "./database.ts";
import { EventLog } from "./events.ts";
import { fakeHostPaths } from "./fake-services.ts";
import { now } from "./time.ts";
import { VolumeService } from "./volumes.ts";

let dataRoot = "";
let database: StateDatabase;
let events: EventLog;
let used: Record<string, string[]> = {};
let volumes: VolumeService;
const none = new Map<string, string[]>();
const only = (name: string, ...values: string[]): Map<string, string[]> => new Map([[name, values]]);

beforeEach(async () => {
  dataRoot = await mkdtemp(join(tmpdir(), "volumes-"));
  database = new StateDatabase(join(dataRoot, "db"));
  events = new EventLog();
  used = {};
  volumes = open();
});
afterEach(async () => {
  database.close();
  await rm(dataRoot, { recursive: true });
});

function open(): VolumeService {
  return new VolumeService({
    database,
    dataRoot,
    events,
    users: (name) => used[name] ?? [],
    log: { error: () => undefined },
    hostPaths: fakeHostPaths,
    measure: async (folder) =>
      readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0),
  });
}

async function published(): Promise<string[]> {
  const signal = new AbortController().signal;
  const seen: string[] = [];
  for await (const { Type, Action, Actor } of events.subscribe({
    since: 1n,
    until: now(),
    filters: none,
    signal,
  }))
    seen.push(`${Type} ${Action} ${Actor.ID} ${JSON.stringify(Actor.Attributes)}`);
  return seen;
}

test("create makes the folder, tells of it once and may be repeated", async () => {
  const made = await volumes.create({ Name: "abc", Labels: { a: "1" } });
  const path = join(dataRoot, "volumes", "abc", "_data");
  expect(made).toEqual({
    CreatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    Driver: "local",
    Labels: { a: "1" },
    Mountpoint: path,
    Name: "abc",
    Options: null,
    Scope: "local",
  });
  expect([statSync(path).mode & 0o777, statSync(join(path, "..")).mode & 0o777]).toEqual([0o755, 0o701]);
  expect(await volumes.create({ Name: "abc", Driver: "local", Labels: { b: "2" } })).toEqual(made);
  expect(await open().inspect("abc")).toEqual(made);
  expect(await published()).toEqual(['volume create abc {"driver":"local"}']);
});

test("a volume without a name is anonymous", async () => {
  const { Name, Labels } = await volumes.create({});
  expect(Name).toMatch(/^[0-9a-f]{64}$/);
  expect(Labels).toEqual({ "com.docker.volume.anonymous": "" });
});

test("what can't be made is refused in Docker's words", async () => {
  const refused = async (body: object): Promise<string> =>
    volumes.create(body).then(
      () => "made",
      (error: Error) => error.message,
    );
  expect(await refused({ Name: "a" })).toBe(
    "create a: volume name is too short, names should be at least two alphanumeric characters",
  );
  expect(await refused({ Name: "../x" })).toBe(
    'create ../x: "../x" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  );
  expect(await refused({ Name: "ab", Driver: "foo" })).toBe(
    'create ab: error looking up volume plugin foo: plugin "foo" not found',
  );
  expect(await refused({ Name: "ab", DriverOpts: { foo: "1" } })).toBe('create ab: invalid option: "foo"');
  expect(await refused({ Name: "ab", DriverOpts: { type: "nfs" } })).toBe(
    'create ab: missing required option: "device"',
  );
  expect(existsSync(join(dataRoot, "volumes", "ab"))).toBe(false);
  expect(volumes.inspect("nope")).rejects.toThrow("get nope: no such volume");
});

test("remove refuses a volume in use", async () => {
  await volumes.create({ Name: "abc" });
  used = { abc: ["c1", "c2"] };
  expect(volumes.remove("abc", true)).rejects.toThrow("remove abc: volume is in use - [c1, c2]");
  used = {};
  await volumes.remove("abc", false);
  expect(existsSync(join(dataRoot, "volumes", "abc"))).toBe(false);
  expect(open().inspect("abc")).rejects.toThrow("no such volume");
  expect(volumes.remove("abc", false)).rejects.toThrow("get abc: no such volume");
  await volumes.remove("abc", true);
  expect((await published()).at(-1)).toBe('volume destroy abc {"driver":"local"}');
});

test("prune removes anonymous ones, all of them only when asked", async () => {
  const anonymous = String((await volumes.create({}))["Name"]);
  const busy = String((await volumes.create({}))["Name"]);
  await volumes.create({ Name: "named", Labels: { keep: "" } });
  used = { [busy]: ["c1"] };
  await writeFile(join(dataRoot, "volumes", anonymous, "_data", "x"), "12345");
  expect(await volumes.prune(none)).toEqual({ VolumesDeleted: [anonymous], SpaceReclaimed: 5 });
  expect(
    await volumes.prune(
      new Map([
        ["all", ["1"]],
        ["label!", ["keep"]],
      ]),
    ),
  ).toMatchObject({ VolumesDeleted: [] });
  expect(await volumes.prune(only("all", "true"))).toMatchObject({ VolumesDeleted: ["named"] });
  expect(volumes.prune(only("all", "x"))).rejects.toThrow(
    `invalid filter 'all': strconv.ParseBool: parsing "x": invalid syntax`,
  );
  expect(volumes.prune(only("dangling", "1"))).rejects.toThrow("invalid filter 'dangling'");
  expect((await published()).filter((event) => event.includes("prune"))).toHaveLength(3);
});

test("lists are filtered", async () => {
  await volumes.create({ Name: "web-data", Labels: { tier: "web" } });
  await volumes.create({ Name: "db-data" });
  used = { "db-data": ["c1"] };
  const names = async (filters: Map<string, string[]>): Promise<unknown[]> =>
    (await volumes.list(filters)).Volumes.map(({ Name }) => Name);
  expect(await names(none)).toEqual(["web-data", "db-data"]);
  expect(await names(only("dangling", "true"))).toEqual(["web-data"]);
  expect(await names(only("dangling", "0"))).toEqual(["db-data"]);
  expect(await names(only("name", "^db"))).toEqual(["db-data"]);
  expect(await names(only("label", "tier=web"))).toEqual(["web-data"]);
  expect(await names(only("driver", "nfs"))).toEqual([]);
  expect(volumes.list(only("nope", "1"))).rejects.toThrow("invalid filter 'nope'");
});

test("a container's volume is there only when its transaction is", async () => {
  const first = await volumes.prepare("abc", {});
  const second = await volumes.prepare("abc", {});
  expect([first.fresh, existsSync(first.path)]).toEqual([true, true]);
  expect(volumes.inspect("abc")).rejects.toThrow("no such volume");
  const bad = new Error("no");
  expect(() =>
    database.transaction(() => {
      first.insert();
      throw bad;
    }),
  ).toThrow(bad);
  await Promise.resolve();
  expect(volumes.inspect("abc")).rejects.toThrow("no such volume");
  database.transaction(() => second.insert());
  first.insert();
  expect(await volumes.inspect("abc")).toMatchObject({ Labels: null });
  expect(await published()).toEqual(['volume create abc {"driver":"local"}']);
  await writeFile(join(first.path, "x"), "");
  expect((await volumes.prepare("abc", {})).fresh).toBe(false);
});

test("a volume that is removed between prepare and insert is made again", async () => {
  await volumes.create({ Name: "abc" });
  const prepared = await volumes.prepare("abc", {});
  await volumes.remove("abc", false);
  prepared.insert();
  expect(existsSync(prepared.path)).toBe(true);
  expect(await open().inspect("abc")).toMatchObject({ Name: "abc" });
});

test("anonymous volumes leave with their container, others don't", async () => {
  const prepared = await volumes.prepare(undefined, {});
  const { name } = prepared;
  prepared.insert();
  await volumes.create({ Name: "named" });
  used = { [name]: ["c2"] };
  await volumes.removeAnonymous(name);
  await volumes.removeAnonymous("named");
  await volumes.removeAnonymous("gone");
  expect((await volumes.list(none)).Volumes).toHaveLength(2);
  used = {};
  await volumes.removeAnonymous(name);
  expect((await volumes.list(none)).Volumes).toHaveLength(1);
});

test("sweeping removes what is empty and adopts what has data", async () => {
  await volumes.prepare("empty", {});
  const full = await volumes.prepare("full", {});
  await writeFile(join(full.path, "x"), "1");
  await mkdir(join(dataRoot, "volumes", ".removed-0"));
  await mkdir(join(dataRoot, "volumes", "half"));
  await mkdir(join(dataRoot, "volumes", "foreign", "folder"), { recursive: true });
  await volumes.create({ Name: "kept" });
  const again = open();
  await again.sweep();
  expect((await again.list(none)).Volumes.map(({ Name }) => Name)).toEqual(["kept", "full"]);
  expect(existsSync(join(dataRoot, "volumes", "empty"))).toBe(false);
  expect(existsSync(join(dataRoot, "volumes", ".removed-0"))).toBe(false);
  expect(existsSync(join(dataRoot, "volumes", "half"))).toBe(false);
  expect(existsSync(join(dataRoot, "volumes", "foreign"))).toBe(true);
  expect((await again.usage()).map(({ UsageData }) => UsageData)).toEqual([
    { RefCount: 0, Size: 0 },
    { RefCount: 0, Size: 1 },
  ]);
});

test("what an engine was about to remove that was killed is removed by the next one, unless somebody took it", async () => {
  for (const Name of ["gone", "taken"]) await volumes.create({ Name });
  const anonymous = await volumes.prepare(undefined);
  anonymous.insert();
  await writeFile(join(anonymous.path, "file"), "content");
  const folders = (): string[] => readdirSync(join(dataRoot, "volumes")).toSorted();
  const everything = folders();
  used = { [anonymous.name]: ["container"] };
  volumes.condemnAnonymous(anonymous.name, "another");
  volumes.condemnAnonymous("gone", "container");
  volumes = open();
  expect(folders()).toEqual(everything);
  // Its own container is being removed.
  volumes.condemnAnonymous(anonymous.name, "container");
  for (const name of ["gone", "taken"])
    database.setVolume(name, JSON.stringify({ created: "", labels: null, options: null, removed: true }));
  used = { taken: ["other"] };
  volumes = open();
  expect((await volumes.list(none)).Volumes).toEqual([]);
  await volumes.sweep();
  expect(folders()).toEqual(["taken"]);
  volumes = open();
  expect((await volumes.list(none)).Volumes.map(({ Name }) => Name)).toEqual(["taken"]);
});

test("a folder that is lost is made again", async () => {
  for (const Name of ["lost", "kept"]) await volumes.create({ Name });
  await rm(join(dataRoot, "volumes", "lost"), { recursive: true });
  expect(volumes.restore()).toEqual(["lost"]);
  expect(volumes.restore()).toEqual([]);
  expect(readdirSync(join(dataRoot, "volumes", "lost", "_data"))).toEqual([]);
});

test("a volume is emptied", async () => {
  await volumes.create({ Name: "full" });
  const folder = join(dataRoot, "volumes", "full", "_data");
  await writeFile(join(folder, "file"), "content");
  await volumes.empty("full");
  expect(readdirSync(folder)).toEqual([]);
  expect(readdirSync(join(dataRoot, "volumes"))).toEqual(["full"]);
});
