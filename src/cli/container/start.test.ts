import { expect, test } from "bun:test";
import { frame, runCommand, type Answers } from "../testing.ts";
import { start } from "./start.ts";

function startable(config: object = {}, host: object = {}): Answers {
  return {
    "GET /containers/a/json": { json: { Id: "id", Config: config, HostConfig: host } },
    "POST /containers/id/attach": { stream: frame(1, "out") },
    "POST /containers/id/wait": { json: { StatusCode: 4 } },
    "POST /containers/id/start": { status: 204 },
  };
}

test("each is started; those that fail are named at the end", async () => {
  const ran = await runCommand(start, ["a", "b", "c"], {
    "POST /containers/a/start": { status: 204 },
    "POST /containers/c/start": { status: 304 },
  });
  expect(ran.stdout).toBe("a\nc\n");
  expect(ran.stderr).toBe("Error response from daemon: no /containers/b/start\n");
  expect(ran.problem).toBe("Error: failed to start containers: b");
});

test("attached it is started only once someone listens", async () => {
  const ran = await runCommand(start, ["-a", "a"], startable());
  expect(ran).toMatchObject({ code: 4, stdout: "out" });
  expect(ran.asked).toEqual([
    "GET /containers/a/json",
    "POST /containers/id/attach?stream=1&stdout=1&stderr=1",
    "POST /containers/id/wait?condition=next-exit",
    "POST /containers/id/start",
  ]);
});

test("-i sends input only to a container that takes it; one that removes itself is waited for", async () => {
  const answers = startable({ OpenStdin: true }, { AutoRemove: true });
  const ran = await runCommand(start, ["-i", "a"], answers, { stdin: "typed" });
  expect(ran.bodies[1]).toBe("typed");
  expect(ran.asked[2]).toBe("POST /containers/id/wait?condition=removed");
  expect((await runCommand(start, ["-i", "a"], startable(), { stdin: "typed" })).bodies[1]).toBe("");
});

test("a start that fails is the command's failure", async () => {
  const failed = { status: 409, json: { message: "paused" } };
  const ran = await runCommand(start, ["-a", "a"], { ...startable(), "POST /containers/id/start": failed });
  expect(ran.problem).toBe("Error response from daemon: paused");
});

test("several can't be attached to, checkpoints aren't restored", async () => {
  expect((await runCommand(start, ["-a", "a", "b"])).problem).toBe(
    "you cannot start and attach multiple containers at once",
  );
  expect((await runCommand(start, ["--checkpoint", "x", "a"])).problem).toContain("restoring a checkpoint");
});
