/**
 * Restart policies, as the docker CLI sees them: while the engine runs, and when it starts.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { command, eventually, inspect, must, pidOf, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { processesNaming } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const reaches = (container: string, status: string): Promise<true> =>
  eventually(`${container} is ${status}`, async () =>
    (await inspect(engine, container)).State.Status === status ? true : undefined,
  );

/** A container that ends at once, waiting for its restart; it has been restarted often enough to wait for a while. */
async function waiting(...flags: readonly string[]): Promise<string> {
  const id = start(engine, ["--restart=always", ...flags], ["sh", "-c", "exit 3"]);
  await eventually("several restarts", async () => {
    const { RestartCount, State } = await inspect(engine, id);
    return RestartCount >= 4 && State.Status === "restarting" ? true : undefined;
  });
  return id;
}

const post = async (path: string, body?: object): Promise<{ status: number; message: string }> => {
  const { status, body: answer } = await engine.request("POST", path, body);
  const text = answer.toString("utf8");
  return {
    status,
    message: text.startsWith("{") ? (JSON.parse(text) as { message: string }).message : text.trim(),
  };
};

test("on-failure: as often as it says, with die and start each time; wait ends with the first exit", async () => {
  const since = Math.floor(Date.now() / 1000);
  must(engine, [
    "create",
    "--net=none",
    "--name=fails",
    "--restart=on-failure:2",
    "busybox",
    "sh",
    "-c",
    "echo x; exit 5",
  ]);
  const wait = engine.request("POST", "/containers/fails/wait");
  must(engine, ["start", "fails"]);
  expect((await wait).json<object>()).toMatchObject({ StatusCode: 5 });
  await reaches("fails", "exited");
  const { RestartCount, State } = await inspect(engine, "fails");
  expect(RestartCount).toBe(2);
  expect(State).toMatchObject({ ExitCode: 5, Running: false });
  expect(must(engine, ["logs", "fails"])).toBe("x\nx\nx");
  const until = Math.ceil(Date.now() / 1000) + 1;
  const filters = encodeURIComponent(
    JSON.stringify({ container: ["fails"], event: ["die", "start", "restart"] }),
  );
  const answer = await engine.request("GET", `/events?since=${since}&until=${until}&filters=${filters}`);
  const actions = answer.body.toString("utf8").match(/"Action":"\w+"/g);
  expect(actions?.map((text) => text.slice(10, -1))).toEqual([
    "start",
    "die",
    "start",
    "die",
    "start",
    "die",
  ]);
  const { id } = { id: must(engine, ["inspect", "--format", "{{.Id}}", "fails"]) };
  await engine.request("POST", `/containers/${id}/start`);
  expect((await inspect(engine, id)).RestartCount).toBeLessThan(2);
});

test("a success ends on-failure; always goes on with longer and longer pauses", async () => {
  const fine = start(engine, ["--restart=on-failure"], ["true"]);
  await reaches(fine, "exited");
  expect((await inspect(engine, fine)).RestartCount).toBe(0);
  const begun = Date.now();
  const id = await waiting("--name=again");
  expect(Date.now() - begun).toBeGreaterThan(100 + 200 + 400);
  const { State } = await inspect(engine, id);
  expect(State).toMatchObject({ Status: "restarting", Running: true, Restarting: true, Pid: 0, ExitCode: 3 });
  expect(must(engine, ["ps", "--format", "{{.Status}}"])).toMatch(/^Restarting \(3\) .* ago$/);
});

test("what can't be done while it waits", async () => {
  const id = await waiting();
  const text = `Container ${id} is restarting, wait until the container is running`;
  expect(await post(`/containers/${id}/pause`)).toEqual({ status: 409, message: text });
  expect(await post(`/containers/${id}/exec`, { Cmd: ["true"] })).toEqual({ status: 409, message: text });
  expect(await post(`/containers/${id}/attach?stream=1`)).toEqual({
    status: 409,
    message: `container ${id} is restarting, wait until the container is running`,
  });
  expect((await post(`/containers/${id}/start`)).status).toBe(304);
  expect(command(engine, ["rm", id]).stderr).toContain(
    "container is restarting: stop the container before removing",
  );
});

test("stop, kill and removal end its waiting", async () => {
  for (const order of [["stop"], ["kill"], ["rm", "-f"]]) {
    const id = await waiting();
    const wait = engine.request("POST", `/containers/${id}/wait`);
    await Bun.sleep(50);
    must(engine, [...order, id]);
    expect((await wait).json<object>()).toMatchObject({ StatusCode: 3 });
    if (order[0] !== "rm")
      expect((await inspect(engine, id)).State).toMatchObject({ Status: "exited", ExitCode: 3 });
  }
  await Bun.sleep(2000);
  expect(must(engine, ["ps", "-q"])).toBe("");
});

test("what somebody stops stays stopped; SIGHUP is no stop", async () => {
  const id = start(engine, ["--restart=always"]);
  must(engine, ["stop", "-t", "0", id]);
  await Bun.sleep(300);
  expect((await inspect(engine, id)).State.Status).toBe("exited");
  must(engine, ["restart", "-t", "0", id]);
  expect((await inspect(engine, id)).State.Status).toBe("running");
  must(engine, ["kill", "-s", "HUP", id]);
  process.kill(await pidOf(engine, id), "SIGKILL");
  await eventually("its restart", async () => (await inspect(engine, id)).RestartCount === 1);
  await reaches(id, "running");
});

test("a container of --rm outlives its restart", async () => {
  const id = start(engine, ["--rm"]);
  must(engine, ["restart", "-t", "0", id]);
  expect((await inspect(engine, id)).State.Status).toBe("running");
});

test("an engine that starts: always in any case, unless-stopped unless stopped, what died meanwhile by its policy", async () => {
  const made = (name: string, policy: string, ...args: string[]): string =>
    start(engine, [`--name=${name}`, `--restart=${policy}`], args.length === 0 ? undefined : args);
  made("always", "always");
  made("unless", "unless-stopped");
  must(engine, ["stop", "-t", "0", "always", "unless"]);
  const died = ["d-a", "d-u", "d-f", "d-n"].map((name, i) =>
    made(name, ["always", "unless-stopped", "on-failure", "no"][i] ?? ""),
  );
  must(engine, ["create", "--net=none", "--name=never", "--restart=always", "busybox", "true"]);
  const pause = await waiting("--name=pause");
  const pids = await Promise.all(died.map((id) => pidOf(engine, id)));
  await engine.kill();
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await eventually("their ends", () => died.every((id) => processesNaming(id).length === 0));
  await engine.resume();
  for (const name of ["always", "d-a", "d-u", "d-f"]) await reaches(name, "running");
  expect((await inspect(engine, "unless")).State.Status).toBe("exited");
  expect((await inspect(engine, "d-n")).State).toMatchObject({ Status: "exited", ExitCode: 137 });
  expect((await inspect(engine, "never")).State.Status).toBe("created");
  await eventually("that it goes on", async () => (await inspect(engine, pause)).RestartCount >= 5);
});

test("after the host was restarted", async () => {
  const policies = ["always", "unless-stopped", "no"];
  const ids = policies.map((policy) => start(engine, [`--restart=${policy}`]));
  const joined = start(engine, ["--restart=always", `--network=container:${ids[0]}`]);
  // A host that goes down right now takes along what was not written yet.
  await Bun.sleep(200);
  await engine.kill();
  for (const id of [...ids, joined]) for (const pid of processesNaming(id)) process.kill(pid, "SIGKILL");
  await eventually("their ends", () => ids.every((id) => processesNaming(id).length === 0));
  rmSync(join(engine.execRoot, "containers"), { recursive: true });
  await engine.resume();
  await reaches(ids[0] ?? "", "running");
  await reaches(ids[1] ?? "", "running");
  await reaches(joined, "running");
  expect((await inspect(engine, ids[2] ?? "")).State).toMatchObject({ Status: "exited", ExitCode: 255 });
});
