import { expect, test } from "bun:test";
import { frame, runCommand, type Answers } from "../testing.ts";
import { exec } from "./exec.ts";

const answers: Answers = {
  "POST /containers/a/exec": { status: 201, json: { Id: "e" } },
  "POST /exec/e/start": { stream: Buffer.concat([frame(1, "out"), frame(2, "err")]) },
  "GET /exec/e/json": { json: { ExitCode: 3 } },
};

test("makes, attaches, shows both streams, and ends with the exit code", async () => {
  const ran = await runCommand(exec, ["a", "sh", "-c", "x"], answers);
  expect(ran).toMatchObject({
    code: 3,
    stdout: "out",
    stderr: "err",
    asked: ["POST /containers/a/exec", "POST /exec/e/start", "GET /exec/e/json"],
  });
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({
    Cmd: ["sh", "-c", "x"],
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Env: [],
  });
});

test("flags become the configuration", async () => {
  const argv = "-i --privileged -u 1:2 -w /w -e A=1 -e B=2 --detach-keys ctrl-a a env".split(" ");
  const ran = await runCommand(exec, argv, answers, { stdin: "typed" });
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({
    AttachStdin: true,
    Privileged: true,
    User: "1:2",
    WorkingDir: "/w",
    Env: ["A=1", "B=2"],
    DetachKeys: "ctrl-a",
    Cmd: ["env"],
  });
  expect(ran.bodies[1]).toEndWith("typed");
});

test("detached it attaches nothing and asks for no exit code", async () => {
  const ran = await runCommand(exec, ["-d", "-i", "a", "x"], { ...answers, "POST /exec/e/start": {} });
  expect(ran).toMatchObject({
    code: 0,
    stdout: "",
    asked: ["POST /containers/a/exec", "POST /exec/e/start"],
  });
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({ AttachStdin: false, AttachStdout: false });
  expect(JSON.parse(ran.bodies[1] ?? "")).toMatchObject({ Detach: true });
});

test("an exec that can't have its terminal is never made", async () => {
  const missing = await runCommand(exec, ["-it", "a", "x"], answers);
  expect(missing).toMatchObject({ asked: ["GET /containers/a/json"] });
  expect(missing.problem).toStartWith("Error response from daemon");
  const there = { ...answers, "GET /containers/a/json": { json: {} } };
  expect(await runCommand(exec, ["-it", "a", "x"], there)).toMatchObject({
    problem: "the input device is not a TTY",
    asked: ["GET /containers/a/json"],
  });
});
