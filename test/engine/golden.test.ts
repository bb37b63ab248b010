/**
 * Answers beside those of dockerd 28.5.2 to the same requests (golden/): every field is there, of the same type, with the
 * same value. What differs on purpose is named here with its reason; any other difference fails.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dockerArchive, load } from "../support/archive.ts";
import { TestEngine } from "../support/engine.ts";
import { differences, fullBody, plainBody, type Difference } from "../support/golden.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  const config = {
    Labels: { a: "b" },
    Volumes: { "/vol": {} },
    ExposedPorts: { "80/tcp": {} },
    User: "nobody",
    Entrypoint: ["/bin/sh", "-c"],
    Cmd: ["id"],
    WorkingDir: "/tmp",
    StopSignal: "SIGINT",
  };
  const hello = { type: "file", path: "hello", mode: 0o644, size: 5, body: Buffer.from("hello") } as const;
  expect(await load(engine, await dockerArchive("loaded:v1", [[hello]], { config }))).toBeUndefined();
});
afterAll(async () => engine[Symbol.asyncDispose]());

/** A difference that is meant: where, and what is allowed there instead of the golden value. */
type Known = readonly [path: RegExp, ours: (value: unknown, golden: unknown) => boolean];

const matching =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    typeof value === "string" && pattern.test(value);
const id = matching(/^(sha256:)?[0-9a-f]{64}$/);
const time = matching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
const number = (value: unknown): boolean => typeof value === "number" && value > 0;
const pathOfOurs = (value: unknown): boolean =>
  typeof value === "string" && value.startsWith(engine.directory);

/** What is another each time, or lies elsewhere. */
const always: readonly Known[] = [
  [/^(\[0\])?\.(Id|ID|ContainerID|Image|ImageID)$/, id],
  [/^\.(Created|State\.(StartedAt|FinishedAt)|SystemTime|CreatedAt|Metadata\.LastTagTime)$/, time],
  [/^\[0\]\.Created$/, number],
  [/^(\.State)?\.Pid$/, number],
  [/^\.(ResolvConf|Hostname|Hosts|Log)Path$/, pathOfOurs],
  [/^(\[0\])?\.Mounts\[\d\]\.Source$/, (ours, golden) => golden === "" || pathOfOurs(ours)],
  [/^(\[0\])?\.Mounts\[\d\]\.Name$/, id],
  [/^\.(Mountpoint|DockerRootDir)$/, pathOfOurs],
  [/^\.Config\.Hostname$/, matching(/^[0-9a-f]{12}$/)],
  // busybox may be another build than the one of the golden answers.
  [/^(\[\d\])?\.(Size|SizeRootFs)$/, number],
];

/** What this engine is, or hasn't. */
const container: readonly Known[] = [
  [/^\.HostConfig\.Runtime$/, (ours) => ours === "caisson"],
  // Nothing is mounted on the host.
  [/^\.GraphDriver\.Data\.MergedDir$/, (ours) => ours === ""],
  [/^\.GraphDriver\.Data\.(LowerDir|UpperDir|WorkDir)$/, pathOfOurs],
  [/^\.GraphDriver\.Data\.ID$/, id],
  // A namespace is named by a process in it, not by a mount; `none` has no endpoint.
  [/^\.NetworkSettings\.SandboxKey$/, matching(/^\/proc\/\d+\/ns\/net$/)],
  [/^\.NetworkSettings\.SandboxID$/, id],
  [/^(\[0\])?\.NetworkSettings\.Networks\.none\.NetworkID$/, id],
  [/^(\[0\])?\.NetworkSettings\.Networks\.none\.EndpointID$/, (ours) => ours === ""],
  // Not Docker's field.
  [/^\.UserNamespace$/, (ours) => (ours as { Mode?: string }).Mode === "private"],
];
const image: readonly Known[] = [
  [/^\.GraphDriver\.Data\.(LowerDir|UpperDir)$/, pathOfOurs],
  [/^\.GraphDriver\.Data\.(MergedDir|WorkDir)$/, (ours) => ours === undefined],
  // The layers' digests follow the build of busybox.
  [/^\.RootFS\.Layers\[0\]$/, id],
  [/^\[\d\]\.CreatedBy$/, matching(/^layer [0-9a-f]{4}$/)],
];
const version: readonly Known[] = [
  [/^\.Platform\.Name$/, matching(/^caisson /)],
  [/^\.Components(\[0\]\.Version|\[0\]\.Details\..*)?$/, () => true],
  [/^\.Version$/, matching(/^28\.5\.2-caisson$/)],
  [/^\.(GitCommit|BuildTime)$/, (ours) => ours === ""],
  [/^\.GoVersion$/, matching(/^bun/)],
  [/^\.(KernelVersion|Arch)$/, (ours) => typeof ours === "string"],
];
const info: readonly Known[] = [
  [/^\.ID$/, matching(/^[0-9a-f-]{36}$/)],
  [/^\.(DriverStatus|Plugins\.Network|Plugins\.Log|SecurityOptions|CDISpecDirs)$/, Array.isArray],
  [/^\.(NFd|NGoroutines|NCPU|MemTotal|Images)$/, number],
  [/^\.Containers(Stopped|Running)?$/, (ours) => typeof ours === "number"],
  [
    /^\.(KernelVersion|Architecture|OperatingSystem|OSVersion|Name|CgroupDriver|CgroupVersion)$/,
    (ours) => ours !== "",
  ],
  [
    /^\.(MemoryLimit|SwapLimit|KernelMemoryTCP|OomKillDisable|IPv4Forwarding)$/,
    (ours) => typeof ours !== "string",
  ],
  [/^\.ServerVersion$/, matching(/-caisson$/)],
  [/^\.Runtimes/, () => true],
  [/^\.DefaultRuntime$/, (ours) => ours === "caisson"],
  // Containers outlive the engine always.
  [/^\.LiveRestoreEnabled$/, (ours) => ours === true],
  [/^\.InitBinary$/, (ours) => ours === ""],
  [/^\.(Containerd|Runc)Commit\.ID$/, (ours) => ours === "N/A"],
  [/^\.Containerd$/, (ours) => ours === undefined],
  // The engine of the golden answer came before it.
  [/^\.FirewallBackend$/, (ours, theirs) => theirs === undefined && ours !== undefined],
  [/^\.Warnings$/, (ours) => ours === null || Array.isArray(ours)],
];

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || !("Mounts" in value)) return value;
  const mounts = value.Mounts as readonly { readonly Destination: string }[];
  return { ...value, Mounts: mounts.toSorted((a, b) => (a.Destination < b.Destination ? -1 : 1)) };
}

/** What differs from the golden answer and isn't known. */
async function unknown(name: string, path: string, known: readonly Known[]): Promise<Difference[]> {
  const golden: unknown = JSON.parse(readFileSync(join(import.meta.dir, `golden/${name}.json`), "utf8"));
  const answer = await engine.request("GET", `/v1.51${path}`);
  expect(answer.status).toBe(200);
  return differences(sorted(golden), sorted(answer.json<unknown>())).filter(
    ({ path: at, golden: theirs, ours }) =>
      ![...always, ...known].some(([where, allowed]) => where.test(at) && allowed(ours, theirs)),
  );
}

const create = async (name: string, body: object): Promise<void> => {
  const { status, body: answer } = await engine.request("POST", `/containers/create?name=${name}`, body);
  if (status !== 201) throw new Error(answer.toString("utf8"));
};

test("a container of defaults", async () => {
  await create("plain", plainBody);
  expect(await unknown("container-created", "/containers/plain/json", container)).toEqual([]);
  await engine.request("DELETE", "/containers/plain");
});

test("a container with a bit of everything: running, in the list, its exec, stopped", async () => {
  await create("full", fullBody);
  const started = await engine.request("POST", "/containers/full/start");
  expect(started.body.toString("utf8")).toBe("");
  expect(await unknown("container-running", "/containers/full/json?size=1", container)).toEqual([]);
  const filters = encodeURIComponent(JSON.stringify({ name: ["full"] }));
  const list = [...container, [/^\[0\]\.Status$/, matching(/^Up /)]] as readonly Known[];
  expect(await unknown("container-list", `/containers/json?size=1&filters=${filters}`, list)).toEqual([]);
  const exec = { Cmd: ["sleep", "100"], AttachStdout: true, Tty: true, User: "nobody", Privileged: true };
  const { Id } = (await engine.request("POST", "/containers/full/exec", exec)).json<{ Id: string }>();
  expect((await engine.request("POST", `/exec/${Id}/start`, { Detach: true })).status).toBe(200);
  expect(await unknown("exec-running", `/exec/${Id}/json`, [])).toEqual([]);
  expect(await unknown("volume", "/volumes/golden-volume", [])).toEqual([]);
  await engine.request("POST", "/containers/full/stop?t=0");
  expect(await unknown("container-exited", "/containers/full/json", container)).toEqual([]);
});

test("an image: inspect, history, in the list", async () => {
  expect(await unknown("image-inspect", "/images/loaded:v1/json", image)).toEqual([]);
  const history: readonly Known[] = [...image, [/^\[0\]\.Created$/, number]];
  expect(await unknown("image-history", "/images/loaded:v1/history", history)).toEqual([]);
  const filters = encodeURIComponent(JSON.stringify({ reference: ["loaded"] }));
  expect(await unknown("image-list", `/images/json?filters=${filters}`, image)).toEqual([]);
});

test("version and info", async () => {
  expect(await unknown("version", "/version", version)).toEqual([]);
  expect(await unknown("info", "/info", info)).toEqual([]);
});

test("a difference that nobody knows of is found", () => {
  expect(differences({ a: 1, b: { c: [1, null] } }, { a: 1, b: { c: [1, 2] }, d: "x" })).toEqual([
    { path: ".b.c[1]", golden: null, ours: 2 },
    { path: ".d", golden: undefined, ours: "x" },
  ]);
});
