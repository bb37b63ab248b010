/**
 * What the engine tells of what happens in it: each kind with its attributes, in order; filters, since and until.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { busyboxArchive, importBusybox } from "../support/image.ts";
import { TestEngine } from "../support/engine.ts";

interface Event {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: string;
  readonly time: number;
  readonly timeNano: number;
}

let engine: TestEngine;
let began: string;
let middle: string;
let container: string;
let exec: string;
const clock = (): string => (Date.now() / 1000).toFixed(6);

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await engine.request(method, path, body);
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.body.toString("utf8")}`);
  return answer.body.length === 0 ? undefined : JSON.parse(answer.body.toString("utf8").split("\n")[0] ?? "");
}

async function events(query: Readonly<Record<string, string>>): Promise<Event[]> {
  const parameters = new URLSearchParams({ since: began, until: clock(), ...query });
  const { body } = await engine.request("GET", `/events?${parameters.toString()}`);
  return body
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Event);
}

const filtered = (filters: Readonly<Record<string, readonly string[]>>): Promise<Event[]> =>
  events({ filters: JSON.stringify(filters) });

/** `type action`, with the attributes that aren't every container's. */
function told({ Type, Action, Actor }: Event): string {
  const common = Type === "container" ? ["image", "name", "k"] : [];
  const own = Object.entries(Actor.Attributes).filter(([key]) => !common.includes(key));
  const text = own.map(([key, value]) => `${key}=${value}`);
  return [Type, Action, ...text.toSorted()].join(" ").replaceAll(/[0-9a-f]{64}/g, "ID");
}

beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  began = clock();
  await ask("POST", "/images/create?fromSrc=-&repo=other&tag=1", busyboxArchive());
  await ask("POST", "/images/other:1/tag?repo=other&tag=2");
  await ask("DELETE", "/images/other:2");
  await ask("POST", "/volumes/create", { Name: "events-volume" });
  const made = await ask("POST", "/containers/create?name=first", {
    Image: "busybox",
    Cmd: ["sleep", "1000"],
    Labels: { k: "v" },
    Tty: true,
    HostConfig: { NetworkMode: "none", Binds: ["events-volume:/data:ro"] },
  });
  container = (made as { Id: string }).Id;
  await ask("POST", "/containers/first/start");
  middle = clock();
  exec = (
    (await ask("POST", "/containers/first/exec", { Cmd: ["true"], AttachStdout: true })) as { Id: string }
  ).Id;
  await engine.request("POST", `/exec/${exec}/start`, { Detach: false });
  await ask("GET", "/containers/first/top");
  await ask("POST", "/containers/first/pause");
  await ask("POST", "/containers/first/unpause");
  await ask("POST", "/containers/first/resize?h=10&w=20");
  await ask("POST", "/containers/first/rename?name=second");
  await ask("POST", "/containers/second/restart?t=0");
  await ask("POST", "/containers/second/kill?signal=KILL");
  await ask("POST", "/containers/second/wait");
  await ask("DELETE", "/containers/second");
  await ask("POST", "/containers/prune");
  await ask("DELETE", "/volumes/events-volume");
  await ask("POST", "/volumes/prune");
  await ask("DELETE", "/images/other:1");
  await ask("POST", "/images/prune");
}, 120_000);
afterAll(async () => engine[Symbol.asyncDispose]());

test("all that a container, its exec, a volume and an image go through, in order", async () => {
  const all = await events({});
  const mount = "volume mount container=ID destination=/data driver=local propagation= read/write=false";
  const unmount = "volume unmount container=ID driver=local";
  expect(all.map(told)).toEqual([
    "image tag name=other:1",
    "image import name=sha256:ID",
    "image tag name=other:2",
    "image untag name=sha256:ID",
    "volume create driver=local",
    "container create",
    mount,
    "container start",
    "container exec_create: true  execID=ID",
    "container exec_start: true  execID=ID",
    "container exec_die execID=ID exitCode=0",
    "container top",
    "container pause",
    "container unpause",
    "container resize height=10 width=20",
    "container rename oldName=/first",
    "container kill signal=15",
    "container kill signal=9",
    unmount,
    expect.stringMatching(/^container die execDuration=\d+ exitCode=137$/),
    "container stop",
    mount,
    "container start",
    "container restart",
    "container kill signal=9",
    unmount,
    expect.stringMatching(/^container die execDuration=\d+ exitCode=137$/),
    "container destroy",
    "container prune reclaimed=0",
    "volume destroy driver=local",
    "volume prune reclaimed=0",
    expect.stringMatching(/^image untag name=/),
    expect.stringMatching(/^image delete name=/),
    "image prune reclaimed=0",
  ]);
  expect(all.map(({ timeNano }) => timeNano)).toEqual(
    all.map(({ timeNano }) => timeNano).toSorted((a, b) => a - b),
  );
  for (const { Type, Actor, scope, time, timeNano } of all) {
    expect(scope).toBe("local");
    expect(Math.floor(timeNano / 1e9)).toBe(time);
    if (Type === "container" && Actor.ID !== "") {
      expect(Actor.ID).toBe(container);
      expect(Actor.Attributes).toMatchObject({ image: "busybox", k: "v" });
      expect(["first", "second"]).toContain(Actor.Attributes["name"] ?? "");
    }
  }
});

test("the kernel's kill for want of memory", async () => {
  const greedy = "x=$(head -c 40000000 /dev/zero | tr '\\0' x); echo $x | wc -c";
  const HostConfig = { NetworkMode: "none", Memory: 8 << 20, MemorySwap: 8 << 20 };
  const body = {
    Image: "busybox",
    Cmd: ["sh", "-c", `exec sh -c "${greedy.replaceAll("$", "\\$")}"`],
    HostConfig,
  };
  await ask("POST", "/containers/create?name=greedy", body);
  await ask("POST", "/containers/greedy/start");
  await ask("POST", "/containers/greedy/wait");
  expect(
    (await filtered({ container: ["greedy"], event: ["oom", "die"] })).map(({ Action }) => Action),
  ).toEqual(["oom", "die"]);
});

describe("filters", () => {
  const shown = async (filters: Readonly<Record<string, readonly string[]>>): Promise<string[]> => [
    ...new Set((await filtered(filters)).map(({ Type, Action }) => `${Type} ${Action.split(":")[0]}`)),
  ];

  test.each([
    [
      { type: ["volume"] },
      ["volume create", "volume mount", "volume unmount", "volume destroy", "volume prune"],
    ],
    [{ type: ["volume"], event: ["create", "destroy"] }, ["volume create", "volume destroy"]],
    [{ event: ["exec_create"] }, ["container exec_create"]],
    [{ event: ["exec_start", "exec_die"] }, ["container exec_start", "container exec_die"]],
    [{ container: ["second"], event: ["start", "destroy"] }, ["container start", "container destroy"]],
    [{ label: ["k"], event: ["create"] }, ["container create"]],
    [{ label: ["k=other"] }, []],
    [{ image: ["busybox"], event: ["create"] }, ["container create"]],
    [{ image: ["other"], event: ["tag"] }, ["image tag"]],
    [{ volume: ["events-volume"], event: ["mount"] }, ["volume mount"]],
    [{ scope: ["swarm"] }, []],
    [{ type: ["daemon", "network"] }, []],
  ] as [Record<string, string[]>, string[]][])("%j", async (filters, expected) => {
    const seen = await shown(filters);
    expect(seen.filter((one) => one !== "container oom")).toEqual(expected);
  });

  test("by a container's id, whole or its beginning", async () => {
    for (const id of [container, container.slice(0, 12)])
      expect((await filtered({ container: [id], event: ["rename"] })).map(({ Action }) => Action)).toEqual([
        "rename",
      ]);
  });
});

test("since and until cut", async () => {
  const before = await events({ until: middle });
  expect(before.at(-1)?.Action).toBe("start");
  const after = await events({ since: middle });
  expect(after[0]?.Action).toBe("exec_create: true ");
  expect(await events({ since: "1", until: "2" })).toEqual([]);
  const wrong = await engine.request("GET", "/events?since=3&until=2");
  expect([wrong.status, wrong.body.toString("utf8")]).toEqual([
    400,
    expect.stringContaining("cannot be after"),
  ]);
});

test("who listens hears what happens from then on, until the time that was asked for", async () => {
  const until = (Date.now() / 1000 + 3).toFixed(3);
  const heard = engine.request("GET", `/events?since=${clock()}&until=${until}&filters={"type":["volume"]}`);
  await Bun.sleep(500);
  await ask("POST", "/volumes/create", { Name: "later" });
  await ask("DELETE", "/volumes/later");
  const lines = (await heard).body.toString("utf8").trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as Event).Action)).toEqual(["create", "destroy"]);
});
