/**
 * `ps` and `GET /containers/json`: each filter by itself, together, and what isn't one.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { must, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
const ids = new Map<string, string>();
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  await importBusybox(engine, "other", "tag");
  must(engine, ["create", "--net=none", "--name=made", "-l", "k=v", "-l", "only", "busybox", "true"]);
  start(engine, ["--name=runs", "-l", "k=w", "-v", "list-volume:/data", "-v", "/usr:/host:ro"]);
  start(engine, ["--name=runs-host", "--network=host"]);
  start(engine, ["--name=frozen"]);
  must(engine, ["pause", "frozen"]);
  for (const code of [0, 3]) {
    start(engine, [`--name=ended-${code}`], ["sh", "-c", `exit ${code}`]);
    must(engine, ["wait", `ended-${code}`]);
  }
  must(engine, ["create", "--net=none", "--name=of-other", "other:tag", "true"]);
  const all = (await engine.request("GET", "/containers/json?all=1")).json<
    { Id: string; Names: string[] }[]
  >();
  for (const { Id, Names } of all) ids.set(Names[0]?.slice(1) ?? "", Id);
}, 120_000);
afterAll(async () => {
  await engine.request("POST", "/containers/frozen/unpause");
  await engine[Symbol.asyncDispose]();
});

type Filters = Readonly<Record<string, readonly string[]>>;

async function names(filters: Filters, all = true): Promise<string[]> {
  const query = new URLSearchParams({ filters: JSON.stringify(filters), all: all ? "1" : "0" });
  const answer = await engine.request("GET", `/containers/json?${query.toString()}`);
  if (answer.status !== 200) throw new Error(answer.json<{ message: string }>().message);
  return answer.json<{ Names: string[] }[]>().map(({ Names }) => Names[0]?.slice(1) ?? "");
}

describe("each filter", () => {
  test.each([
    [{ name: ["ended"] }, ["ended-3", "ended-0"]],
    [{ name: ["^/runs$"] }, ["runs"]],
    [{ name: ["made", "frozen"] }, ["frozen", "made"]],
    [{ label: ["k"] }, ["runs", "made"]],
    [{ label: ["k=v"] }, ["made"]],
    [{ label: ["k", "only"] }, ["made"]],
    [{ status: ["created"] }, ["of-other", "made"]],
    [{ status: ["running"] }, ["runs-host", "runs"]],
    [{ status: ["paused"] }, ["frozen"]],
    [{ status: ["exited"] }, ["ended-3", "ended-0"]],
    [{ status: ["dead", "removing", "restarting"] }, []],
    [{ exited: ["3"] }, ["ended-3"]],
    [{ exited: ["0"] }, ["ended-0"]],
    [{ exited: ["0", "3"] }, ["ended-3", "ended-0"]],
    [{ before: ["runs"] }, ["made"]],
    [{ since: ["ended-0"] }, ["of-other", "ended-3"]],
    [{ since: ["made"], before: ["runs-host"] }, ["runs"]],
    [{ volume: ["list-volume"] }, ["runs"]],
    [{ volume: ["/data"] }, ["runs"]],
    [{ volume: ["/host"] }, ["runs"]],
    [{ network: ["host"] }, ["runs-host"]],
    [{ ancestor: ["other:tag"] }, ["of-other"]],
    [{ ancestor: ["nosuch"] }, []],
    [{ health: ["healthy"] }, []],
    [{ "is-task": ["true"] }, []],
    [{ expose: ["80"] }, []],
    [{ publish: ["80-90/tcp"] }, []],
    [{ label: ["k"], status: ["running"] }, ["runs"]],
  ] as [Filters, string[]][])("%j", async (filters, expected) => {
    expect(await names(filters)).toEqual(expected);
  });

  test("id: whole or its beginning", async () => {
    const id = ids.get("made") ?? "";
    expect(await names({ id: [id] })).toEqual(["made"]);
    expect(await names({ id: [id.slice(0, 12)] })).toEqual(["made"]);
  });

  test("health=none and is-task=false let everything through", async () => {
    expect(await names({ health: ["none"] })).toHaveLength(ids.size);
    expect(await names({ "is-task": ["false"] })).toHaveLength(ids.size);
  });

  test("only a filter by status shows what doesn't run without `all`", async () => {
    expect(await names({ label: ["k"] }, false)).toEqual(["runs"]);
    expect(await names({ status: ["exited"] }, false)).toEqual(["ended-3", "ended-0"]);
    expect(await names({}, false)).toEqual(["frozen", "runs-host", "runs"]);
  });
});

describe("what is no filter", () => {
  test.each([
    [{ nosuch: ["1"] }, "invalid filter 'nosuch'"],
    [{ status: ["foo"] }, "invalid value for state (foo): must be one of "],
    [{ health: ["foo"] }, "invalid value for health (foo): must be one of "],
    [{ exited: ["x"] }, "invalid filter 'exited=x'"],
    [{ before: ["nosuch"] }, "No such container: nosuch"],
    [{ since: ["nosuch"] }, "No such container: nosuch"],
    [{ "is-task": ["x"] }, "invalid filter 'is-task=[x]'"],
    [
      { publish: ["x"] },
      'error while looking up for publish x: strconv.ParseUint: parsing "x": invalid syntax',
    ],
    [{ expose: ["80:80"] }, "filter for 'expose' should not contain ':': 80:80"],
  ] as [Filters, string][])("%j", async (filters, text) => {
    expect(names(filters)).rejects.toThrow(text);
  });
});

test("a limit takes the newest, stopped ones too", async () => {
  const list = (await engine.request("GET", "/containers/json?limit=2")).json<{ Names: string[] }[]>();
  expect(list.map(({ Names }) => Names)).toEqual([["/of-other"], ["/ended-3"]]);
});
