import { expect, test } from "bun:test";
import { frame, runCommand, type Answers } from "../testing.ts";
import { run } from "./run.ts";

const answers: Answers = {
  "POST /containers/create": { status: 201, json: { Id: "id" } },
  "POST /containers/id/attach": { stream: Buffer.concat([frame(1, "out"), frame(2, "err")]) },
  "POST /containers/id/wait": { json: { StatusCode: 5 } },
  "POST /containers/id/start": { status: 204 },
};

test("the container's output and exit code are the command's", async () => {
  const ran = await runCommand(run, ["busybox", "x"], answers);
  expect(ran).toMatchObject({ code: 5, stdout: "out", stderr: "err" });
  expect(ran.asked[0]).toBe("POST /containers/create");
  expect(ran.asked.at(-1)).toBe("POST /containers/id/start");
  expect(ran.asked.slice(1, 3).toSorted()).toEqual([
    "POST /containers/id/attach?stream=1&stdout=1&stderr=1",
    "POST /containers/id/wait?condition=next-exit",
  ]);
});

test("detached it prints the ID and attaches nothing", async () => {
  const ran = await runCommand(run, ["-d", "busybox"], answers);
  expect(ran).toMatchObject({
    code: 0,
    stdout: "id\n",
    asked: ["POST /containers/create", "POST /containers/id/start"],
  });
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({ AttachStdout: false, AttachStderr: false });
});

test("with --rm it waits for the removal", async () => {
  const ran = await runCommand(run, ["--rm", "busybox"], answers);
  expect(ran.asked).toContain("POST /containers/id/wait?condition=removed");
});

test("-i sends standard input", async () => {
  const ran = await runCommand(run, ["-i", "busybox", "cat"], answers, { stdin: "typed" });
  expect(ran.bodies[ran.asked.findIndex((one) => one.includes("/attach"))]).toBe("typed");
});

test("a start that fails is said with a hint", async () => {
  const failed = { status: 400, json: { message: 'exec: "x": executable file not found in $PATH' } };
  const ran = await runCommand(run, ["busybox", "x"], { ...answers, "POST /containers/id/start": failed });
  expect(ran.problem).toBe(
    `caisson: Error response from daemon: exec: "x": executable file not found in $PATH\n\nRun 'caisson run --help' for more information`,
  );
});

test("what a wait fails with is said, exit code 125", async () => {
  const answer = { json: { StatusCode: 0, Error: { Message: "lost" } } };
  const ran = await runCommand(run, ["busybox"], { ...answers, "POST /containers/id/wait": answer });
  expect(ran.code).toBe(125);
  expect(ran.stderr).toContain("Error waiting for container: lost\n");
});

test("contradictions are refused before anything is asked", async () => {
  expect(await runCommand(run, ["-d", "-a", "stdout", "busybox"], answers)).toMatchObject({
    problem: "conflicting options: cannot specify both --attach and --detach",
    asked: [],
  });
  expect(await runCommand(run, ["-it", "busybox"], answers)).toMatchObject({
    problem: "the input device is not a TTY",
    asked: [],
  });
});
