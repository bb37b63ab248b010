/**
 * A thousand containers leave the machine as it was.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Agent, request } from "node:http";
import { eventually, run } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { cgroupsOf, mountsBelow, namespaces, useOf } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => {
  agent.destroy();
  await engine[Symbol.asyncDispose]();
});

const made = new Set<string>();

/** One request over a connection that is kept, as an SDK makes it. */
function call(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? "" : JSON.stringify(body);
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(payload) };
    const outgoing = request({ socketPath: engine.socket, agent, method, path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(payload);
  });
}

async function runOne(): Promise<void> {
  const created = await call("POST", "/containers/create", {
    Image: "busybox",
    Cmd: ["true"],
    HostConfig: { NetworkMode: "none", AutoRemove: true },
  });
  expect(created).toMatchObject({ status: 201 });
  const { Id } = JSON.parse(created.text) as { Id: string };
  made.add(Id);
  const removed = call("POST", `/containers/${Id}/wait?condition=removed`);
  expect((await call("POST", `/containers/${Id}/start`)).status).toBe(204);
  expect((await removed).text).toContain('"StatusCode":0');
}

async function runMany(count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await runOne();
  };
  await Promise.all([worker(), worker()]);
}

test("1,000 by the API, 40 by the command line: mounts, cgroups, namespaces, descriptors, files, memory", async () => {
  await runMany(100);
  for (let i = 0; i < 2; i++) run(engine, [], ["true"]);
  await Bun.sleep(300);
  const before = useOf(engine);
  await runMany(1000);
  for (let i = 0; i < 40; i++) expect(run(engine, [], ["true"]).code).toBe(0);
  expect((await engine.request("GET", "/containers/json?all=1")).json<object[]>()).toEqual([]);
  await eventually("the same use as before", () => {
    const { descriptors, children, files } = useOf(engine);
    return (
      descriptors <= before.descriptors + 3 && children <= before.children + 1 && files <= before.files + 5
    );
  });
  expect(mountsBelow(engine.directory)).toEqual([]);
  expect(cgroupsOf(made)).toEqual([]);
  expect(useOf(engine).residentKiB).toBeLessThan(before.residentKiB + 30_000);
}, 300_000);

test("namespaces end with their containers", async () => {
  const before = namespaces();
  const id = (
    await engine.request("POST", "/containers/create", {
      Image: "busybox",
      Cmd: ["sleep", "1000"],
      HostConfig: { NetworkMode: "none" },
    })
  ).json<{ Id: string }>().Id;
  await engine.request("POST", `/containers/${id}/start`);
  const { State } = (await engine.request("GET", `/containers/${id}/json`)).json<{
    State: { Pid: number };
  }>();
  const own = [...namespaces()].filter((space) => !before.has(space));
  expect(own.length).toBeGreaterThanOrEqual(6);
  expect(State.Pid).toBeGreaterThan(1);
  await engine.request("DELETE", `/containers/${id}?force=1`);
  await eventually("an end of its namespaces", () => own.every((space) => !namespaces().has(space)));
});
