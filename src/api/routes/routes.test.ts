import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { failure, type ErrorCode } from "../../errors/mod.ts";
import { startApi, type EngineParts, type TestApi } from "../fake-engine.ts";

/** What the engine was asked, as `part.method` and its arguments. */
const calls: unknown[][] = [];

function record<T>(name: string, answer: T): (...given: unknown[]) => Promise<T> {
  return async (...given) => {
    calls.push([name, ...given]);
    return answer;
  };
}

const id = "f".repeat(64);
const parts: EngineParts = {
  containers: {
    create: record("create", { Id: id, Warnings: [] }),
    explain: record("explain", "mount(…)\n"),
    list: record("list", [{ Id: id, HostConfig: { NetworkMode: "none", Annotations: { a: "b" } } }]),
    inspect: record("inspect", { Id: id }),
    start: async (name) => name !== "running",
    stop: async (name, options) => {
      calls.push(["stop", name, options]);
      return name !== "stopped";
    },
    restart: record("restart", undefined),
    kill: record("kill", undefined),
    pause: record("pause", undefined),
    unpause: record("unpause", undefined),
    rename: record("rename", undefined),
    remove: record("remove", undefined),
    prune: record("prune", { ContainersDeleted: null, SpaceReclaimed: 0 }),
    top: record("top", { Titles: ["UID"], Processes: [["root"]] }),
    resize: record("resize", undefined),
  },
  execs: {
    create: async (container, body, check) => {
      check?.();
      return record("exec", { Id: "e" })(container, body);
    },
    inspect: record("execInspect", { ID: "e" }),
    resize: record("execResize", undefined),
  },
  images: {
    list: record("images", [{ Id: "i", Size: 5, Containers: 2 }]),
    inspect: record("image", { Id: "i" }),
    history: record("history", []),
    tag: record("tag", undefined),
    remove: record("rmi", [{ Untagged: "a:latest" }]),
    prune: record("imagePrune", { ImagesDeleted: null, SpaceReclaimed: 0 }),
  },
  volumes: {
    list: record("volumes", { Volumes: [], Warnings: null }),
    create: record("volume", { Name: "v" }),
    inspect: record("volumeInspect", { Name: "v" }),
    remove: record("volumeRemove", undefined),
    prune: record("volumePrune", { VolumesDeleted: [], SpaceReclaimed: 0 }),
  },
  system: {
    version: record("version", { Version: "x" }),
    info: record("info", { ID: "x" }),
    df: record("df", { LayersSize: 1, Images: [], Containers: [], Volumes: [], BuildCache: [] }),
    auth: record("auth", { Status: "Login Succeeded", IdentityToken: "" }),
  },
};

let api: TestApi;
beforeAll(async () => {
  api = await startApi(parts);
});
afterAll(() => api[Symbol.asyncDispose]());

/** Asks, and gives the status, the body and what the engine was asked. */
async function ask(
  method: string,
  url: string,
  body?: unknown,
): Promise<[number, string, unknown[] | undefined]> {
  calls.length = 0;
  const { status, text } = await api.ask(method, url, body);
  return [status, text, calls[0]];
}

const none = new Map();

describe("what a request becomes, and its answer", () => {
  const rows: [string, string, unknown, number, string, unknown[] | undefined][] = [
    [
      "POST",
      "/containers/create?name=/n&platform=linux/amd64",
      { Image: "i" },
      201,
      `{"Id":"${id}","Warnings":[]}\n`,
      ["create", { name: "n", platform: "linux/amd64", body: { Image: "i" } }],
    ],
    [
      "POST",
      "/v1.40/containers/create?platform=x",
      { image: "i" },
      201,
      `{"Id":"${id}","Warnings":[]}\n`,
      ["create", { body: { Image: "i" } }],
    ],
    [
      "POST",
      "/caisson/explain/run?name=n",
      { Image: "i" },
      200,
      "mount(…)\n",
      ["explain", { name: "n", body: { Image: "i" } }],
    ],
    [
      "GET",
      '/containers/json?all=1&limit=3&size=no&filters={"status":["running"]}',
      undefined,
      200,
      `[{"Id":"${id}","HostConfig":{"NetworkMode":"none","Annotations":{"a":"b"}}}]\n`,
      ["list", { all: true, limit: 3, size: false, filters: new Map([["status", ["running"]]]) }],
    ],
    [
      "GET",
      "/v1.45/containers/json",
      undefined,
      200,
      `[{"Id":"${id}","HostConfig":{"NetworkMode":"none"}}]\n`,
      ["list", { all: false, limit: 0, size: false, filters: none }],
    ],
    ["GET", "/containers/a%2Fb/json?size=true", undefined, 200, `{"Id":"${id}"}\n`, ["inspect", "a/b", true]],
    ["POST", "/containers/c/start", undefined, 204, "", undefined],
    ["POST", "/containers/running/start", undefined, 304, "", undefined],
    [
      "POST",
      "/containers/c/stop?t=-1&signal=INT",
      undefined,
      204,
      "",
      ["stop", "c", { signal: "INT", timeout: -1 }],
    ],
    ["POST", "/v1.41/containers/stopped/stop?signal=INT", undefined, 304, "", ["stop", "stopped", {}]],
    ["POST", "/containers/c/restart?t=5", undefined, 204, "", ["restart", "c", { timeout: 5 }]],
    ["POST", "/containers/c/kill", undefined, 204, "", ["kill", "c", "SIGKILL"]],
    ["POST", "/containers/c/kill?signal=9", undefined, 204, "", ["kill", "c", "9"]],
    ["POST", "/containers/c/pause", undefined, 204, "", ["pause", "c"]],
    ["POST", "/containers/c/unpause", undefined, 204, "", ["unpause", "c"]],
    ["POST", "/containers/c/rename?name=/d", undefined, 204, "", ["rename", "c", "d"]],
    [
      "DELETE",
      "/containers/c?v=1&force=true",
      undefined,
      204,
      "",
      ["remove", "c", { force: true, volumes: true, link: false }],
    ],
    [
      "POST",
      "/containers/prune",
      undefined,
      200,
      '{"ContainersDeleted":null,"SpaceReclaimed":0}\n',
      ["prune", none],
    ],
    [
      "GET",
      "/containers/c/top?ps_args=aux",
      undefined,
      200,
      '{"Titles":["UID"],"Processes":[["root"]]}\n',
      ["top", "c", "aux"],
    ],
    ["POST", "/containers/c/resize?h=24&w=80", undefined, 200, "", ["resize", "c", 24, 80]],
    [
      "POST",
      "/containers/c/exec",
      { Cmd: ["a"], ConsoleSize: [1, 2], Env: null },
      201,
      '{"Id":"e"}\n',
      ["exec", "c", { Cmd: ["a"] }],
    ],
    [
      "POST",
      "/containers/c/exec",
      { Cmd: ["a"], Tty: true, ConsoleSize: [1, 2] },
      201,
      '{"Id":"e"}\n',
      ["exec", "c", { Cmd: ["a"], Tty: true, ConsoleSize: [1, 2] }],
    ],
    ["GET", "/exec/e/json", undefined, 200, '{"ID":"e"}\n', ["execInspect", "e"]],
    ["POST", "/exec/e/resize?h=1&w=2", undefined, 200, "", ["execResize", "e", 1, 2]],
    [
      "GET",
      "/images/json?all=1",
      undefined,
      200,
      '[{"Id":"i","Size":5,"Containers":2}]\n',
      ["images", { all: true, digests: false, sharedSize: false, filters: none }],
    ],
    [
      "GET",
      "/v1.40/images/json?filter=busy*",
      undefined,
      200,
      '[{"Id":"i","Size":5,"Containers":-1,"VirtualSize":5,"RepoTags":["<none>:<none>"],"RepoDigests":["<none>@<none>"]}]\n',
      [
        "images",
        { all: false, digests: false, sharedSize: false, filters: new Map([["reference", ["busy*"]]]) },
      ],
    ],
    [
      "GET",
      "/images/host:5000/a/b:c/json",
      undefined,
      200,
      '{"Id":"i"}\n',
      ["image", "host:5000/a/b:c", undefined],
    ],
    [
      "GET",
      `/images/a/json?platform=${encodeURIComponent('{"os":"linux","architecture":"arm64"}')}`,
      undefined,
      200,
      '{"Id":"i"}\n',
      ["image", "a", "linux/arm64"],
    ],
    ["GET", "/images/a/history", undefined, 200, "[]\n", ["history", "a", undefined]],
    ["POST", "/images/a/b/tag?repo=r/s&tag=t", undefined, 201, "", ["tag", "a/b", "r/s", "t"]],
    [
      "DELETE",
      "/images/a/b?force=1",
      undefined,
      200,
      '[{"Untagged":"a:latest"}]\n',
      ["rmi", "a/b", { force: true, noprune: false, platforms: [] }],
    ],
    [
      "POST",
      "/images/prune",
      undefined,
      200,
      '{"ImagesDeleted":null,"SpaceReclaimed":0}\n',
      ["imagePrune", none],
    ],
    ["GET", "/volumes", undefined, 200, '{"Volumes":[],"Warnings":null}\n', ["volumes", none]],
    ["POST", "/volumes/create", undefined, 201, '{"Name":"v"}\n', ["volume", {}]],
    [
      "POST",
      "/volumes/create",
      { Name: "v", Labels: { a: null } },
      201,
      '{"Name":"v"}\n',
      ["volume", { Name: "v", Labels: { a: "" } }],
    ],
    ["GET", "/volumes/v", undefined, 200, '{"Name":"v"}\n', ["volumeInspect", "v"]],
    ["DELETE", "/volumes/v?force=1", undefined, 204, "", ["volumeRemove", "v", true]],
    [
      "POST",
      "/volumes/prune",
      undefined,
      200,
      '{"VolumesDeleted":[],"SpaceReclaimed":0}\n',
      ["volumePrune", none],
    ],
    [
      "POST",
      "/v1.41/volumes/prune",
      undefined,
      200,
      '{"VolumesDeleted":[],"SpaceReclaimed":0}\n',
      ["volumePrune", new Map([["all", ["true"]]])],
    ],
    [
      "GET",
      "/version",
      undefined,
      200,
      '{"Version":"x","ApiVersion":"1.51","MinAPIVersion":"1.24"}\n',
      ["version"],
    ],
    ["GET", "/info", undefined, 200, '{"ID":"x"}\n', ["info"]],
    [
      "GET",
      "/system/df?type=image",
      undefined,
      200,
      '{"LayersSize":1,"Images":[],"Containers":[],"Volumes":[],"BuildCache":[]}\n',
      ["df", new Set(["image"])],
    ],
    [
      "POST",
      "/auth",
      { username: "u", password: "p" },
      200,
      '{"Status":"Login Succeeded","IdentityToken":""}\n',
      ["auth", { username: "u", password: "p" }],
    ],
    ["GET", "/plugins", undefined, 200, "[]\n", undefined],
  ];
  for (const [method, url, body, status, text, call] of rows)
    test(`${method} ${url}`, async () => {
      expect(await ask(method, url, body)).toEqual([status, text, call]);
    });
});

describe("what is refused, in Docker's words", () => {
  const manager =
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
  const rows: [string, string, unknown, number, string][] = [
    ["GET", "/containers/json?limit=abc", undefined, 400, 'strconv.Atoi: parsing "abc": invalid syntax'],
    ["GET", "/containers/json?filters={", undefined, 400, "invalid filter"],
    ["POST", "/containers/c/resize?h=a&w=1", undefined, 400, 'invalid resize height "a": invalid syntax'],
    ["POST", '/containers/c/resize?h="&w=1', undefined, 400, 'invalid resize height "\\"": invalid syntax'],
    ["POST", "/volumes/create", { Name: "v", ClusterVolumeSpec: {} }, 503, manager],
    [
      "GET",
      "/events?until=-62135596801",
      undefined,
      400,
      "`since` time () cannot be after `until` time (-62135596801)",
    ],
    ["POST", "/exec/e/resize?h=1", undefined, 400, 'invalid resize width "": invalid syntax'],
    ["POST", "/containers/c/stop?t=abc", undefined, 400, 'strconv.Atoi: parsing "abc": invalid syntax'],
    ["POST", "/containers/c/rename", undefined, 400, "Neither old nor new names may be empty"],
    ["POST", "/containers/c/wait?condition=x", undefined, 400, 'invalid condition: "x"'],
    ["GET", "/containers/c/logs", undefined, 400, "Bad parameters: you must choose at least one stream"],
    ["POST", "/containers/create", {}, 400, "config cannot be empty in order to create a container"],
    ["POST", "/containers/create", "{}", 400, "malformed Content-Type header (): mime: no media type"],
    [
      "POST",
      "/containers/create",
      { Cmd: [1] },
      400,
      "invalid JSON: json: cannot unmarshal array into Go value of type string",
    ],
    ["POST", "/containers/c/exec", {}, 400, "No exec command specified"],
    [
      "POST",
      "/containers/c/exec",
      { Cmd: ["a"], DetachKeys: "foo" },
      400,
      "Invalid escape keys (foo) provided",
    ],
    [
      "POST",
      "/containers/c/start",
      { Binds: [] },
      400,
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    ],
    ["GET", "/events?since=abc", undefined, 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
    ["GET", "/images/a/json?platform={}", undefined, 400, "both OS and Architecture must be provided"],
    [
      "GET",
      '/images/a/json?manifests=1&platform={"os":"linux","architecture":"x"}',
      undefined,
      400,
      "conflicting options: manifests and platform options cannot both be set",
    ],
    ["GET", "/system/df?type=foo", undefined, 400, "unknown object type: foo"],
    ["GET", "/swarm", undefined, 503, manager],
    ["GET", "/nodes/x", undefined, 503, manager],
    ["POST", "/services/create", {}, 503, manager],
    ["GET", "/tasks", undefined, 503, manager],
    ["POST", "/swarm/leave", undefined, 503, "This node is not part of a swarm"],
    ["PUT", "/volumes/x", {}, 503, "volume update only valid for cluster volumes, but swarm is unavailable"],
    ["GET", "/plugins/x/json", undefined, 404, 'plugin "x" not found'],
    ["POST", "/build", undefined, 501, "building images is not supported by this version of caisson"],
    ["GET", "/containers/c/stats?one-shot=1", undefined, 400, "cannot have stream=true and one-shot=true"],
    ["GET", "/nothing", undefined, 404, "page not found"],
    ["DELETE", "/info", undefined, 404, "page not found"],
    ["GET", "/containers/json/", undefined, 404, "page not found"],
    ["GET", "/v1.1x/info", undefined, 404, "page not found"],
    [
      "GET",
      "/v1.99/info",
      undefined,
      400,
      "client version 1.99 is too new. Maximum supported API version is 1.51",
    ],
    [
      "GET",
      "/v2.0/info",
      undefined,
      400,
      "client version 2.0 is too new. Maximum supported API version is 1.51",
    ],
  ];
  for (const [method, url, body, status, message] of rows)
    test(`${method} ${url}`, async () => {
      const [answered, text] = await ask(method, url, body);
      expect([answered, text]).toEqual([status, `${JSON.stringify({ message })}\n`]);
    });
});

test("headers are Docker's", async () => {
  const ok = await api.ask("GET", "/v1.51/_ping");
  expect(ok.text).toBe("OK");
  delete ok.headers.date;
  delete ok.headers.connection;
  expect(ok.headers).toEqual({
    "api-version": "1.51",
    "cache-control": "no-cache, no-store, must-revalidate",
    "content-length": "2",
    "content-type": "text/plain; charset=utf-8",
    "docker-experimental": "false",
    ostype: "linux",
    pragma: "no-cache",
    server: "Docker/28.5.2-caisson (linux)",
    swarm: "inactive",
  });
  const head = await api.ask("HEAD", "/_ping");
  expect([head.status, head.headers["content-length"], head.text]).toEqual([200, "0", ""]);
  const nopage = await api.ask("GET", "/nothing");
  expect([nopage.headers["api-version"], nopage.headers.server]).toEqual([undefined, undefined]);
  const old = await api.ask("GET", "/v1.23/info");
  expect([old.status, old.headers["content-type"], old.headers["x-content-type-options"], old.text]).toEqual([
    400,
    "text/plain; charset=utf-8",
    "nosniff",
    "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n",
  ]);
  expect([old.headers["api-version"], old.headers["docker-experimental"]]).toEqual(["1.51", undefined]);
  const options = await api.ask("OPTIONS", "/v1.51/x");
  expect([options.status, options.headers["content-length"]]).toEqual([200, "0"]);
});

test("every error of the registry is answered with its status, a defect with 500 and a line in the log", async () => {
  const codes: [ErrorCode, number][] = [
    ["no-such-container", 404],
    ["name-in-use", 409],
  ];
  for (const [code, status] of codes) {
    await using failing = await startApi({
      containers: {
        create: async () => {
          throw failure(code, { name: "n", id: "i" });
        },
      },
    });
    expect((await failing.ask("POST", "/containers/create", { Image: "i" })).status).toBe(status);
  }
  await using broken = await startApi({
    system: {
      info: async () => {
        throw new TypeError("oops");
      },
    },
  });
  const answer = await broken.ask("GET", "/info");
  expect([answer.status, answer.text]).toEqual([500, '{"message":"oops"}\n']);
  expect(broken.log.lines).toEqual(["error unexpected error in a request"]);
});

test("a form's fields go before the query's", async () => {
  calls.length = 0;
  await api.ask("POST", "/containers/c/kill?signal=INT", "signal=HUP", {
    "Content-Type": "application/x-www-form-urlencoded",
  });
  expect(calls[0]).toEqual(["kill", "c", "HUP"]);
});

test("requests after one another and before their answers share a connection", async () => {
  const c = api.open("GET /volumes/a HTTP/1.1\r\nHost: d\r\n\r\nGET /nothing HTTP/1.1\r\nHost: d\r\n\r\n");
  await c.until("page not found");
  c.send("POST /images/create?fromSrc=x HTTP/1.1\r\nHost: d\r\nContent-Length: 3000000\r\n\r\n");
  c.send("x".repeat(3_000_000));
  await c.until("501 Not Implemented");
  c.send("GET /version HTTP/1.1\r\nHost: d\r\n\r\n");
  expect(await c.until('{"Version":"x",')).toContain('{"Name":"v"}');
  c.end();
  await c.ended();
});

test("what isn't HTTP is answered as Go's server does", async () => {
  const c = api.open("GARBAGE\r\n\r\n");
  expect(await c.ended()).toBe(
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request",
  );
});

test("a client that has closed its half still gets its answer", async () => {
  const c = api.open("GET /version HTTP/1.1\r\nHost: d\r\n\r\n");
  c.end();
  expect(await c.ended()).toEndWith('{"Version":"x","ApiVersion":"1.51","MinAPIVersion":"1.24"}\n');
});
