import { expect, test } from "bun:test";
import { frame, runCommand, type Answers } from "../testing.ts";
import { attach } from "./attach.ts";

function running(change: object = {}, config: object = {}): Answers {
  return {
    "GET /containers/a/json": { json: { Id: "id", State: { Running: true, ...change }, Config: config } },
    "POST /containers/id/wait": { json: { StatusCode: 7 } },
    "POST /containers/id/attach": { stream: Buffer.concat([frame(1, "out"), frame(2, "err")]) },
  };
}

test("shows the streams and ends with the container's exit code", async () => {
  expect(await runCommand(attach, ["--sig-proxy=false", "a"], running())).toMatchObject({
    code: 7,
    stdout: "out",
    stderr: "err",
    asked: [
      "GET /containers/a/json",
      "POST /containers/id/wait?condition=not-running",
      "POST /containers/id/attach?stream=1&stdout=1&stderr=1",
    ],
  });
});

test("input is attached if the container takes any", async () => {
  const answers = running({}, { OpenStdin: true });
  const ran = await runCommand(attach, ["--sig-proxy=false", "a"], answers, { stdin: "typed" });
  expect(ran.asked[2]).toContain("stdin=1");
  expect(ran.bodies[2]).toBe("typed");
  const silent = await runCommand(attach, ["--sig-proxy=false", "--no-stdin", "a"], answers, {
    stdin: "typed",
  });
  expect(silent.asked[2]).not.toContain("stdin");
  expect(silent.bodies[2]).toBe("");
});

test.each([
  [{ Running: false }, "You cannot attach to a stopped container, start it first"],
  [{ Paused: true }, "You cannot attach to a paused container, unpause it first"],
  [{ Restarting: true }, "You cannot attach to a restarting container, wait until it is running"],
])("%p is refused", async (state, problem) => {
  expect(await runCommand(attach, ["a"], running(state))).toMatchObject({
    problem,
    asked: ["GET /containers/a/json"],
  });
});

test("detach keys that are none are refused before anything is attached", async () => {
  const ran = await runCommand(attach, ["--detach-keys", "ctrl-?", "a"], running());
  expect(ran.problem).toContain("invalid detach keys (ctrl-?)");
  expect(ran.asked).toHaveLength(1);
});

test("a terminal with input needs a terminal here", async () => {
  const ran = await runCommand(attach, ["a"], running({}, { Tty: true, OpenStdin: true }));
  expect(ran.problem).toBe("the input device is not a TTY");
});
