/**
 * `--init`: process 1 of a container reaps, passes signals on and ends as its command does.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { command, eventually, execute, must, removeAll, run, shell, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

test("is process 1, and its child the command", () => {
  const script = "tr '\\0' ' ' </proc/1/cmdline; echo; cat /proc/1/comm; grep PPid /proc/self/status";
  const lines = shell(engine, ["--init"], script).split("\n");
  expect(lines[0]).toStartWith("/sbin/docker-init -- sh -c ");
  expect(lines[1]).toBe("docker-init");
  expect(run(engine, ["--init"], ["sh", "-c", "echo $PPID"]).stdout).toBe("1\n");
  expect(run(engine, ["--init=false"], ["sh", "-c", "echo $$"]).stdout).toBe("1\n");
});

test.each([
  [["sh", "-c", "exit 42"], 42],
  [["sh", "-c", "kill -9 $$"], 137],
  [["nosuch"], 127],
  [["/etc/passwd"], 126],
])("%p ends with %d", (args, code) => {
  expect(run(engine, ["--init"], args).code).toBe(code);
});

test("signals reach the command; whoever has no handler ends at once", () => {
  const trap = start(
    engine,
    ["--init"],
    ["sh", "-c", "trap 'exit 7' TERM; echo set; while :; do sleep 0.05; done"],
  );
  must(engine, ["exec", trap, "sh", "-c", "until grep -q '^SigCgt:.*4' /proc/*/status; do sleep 0.05; done"]);
  must(engine, ["stop", trap]);
  expect(must(engine, ["wait", trap])).toBe("7");
  const plain = start(engine, ["--init"], ["sleep", "1000"]);
  const begun = Date.now();
  must(engine, ["stop", plain]);
  expect(Date.now() - begun).toBeLessThan(5000);
  expect(must(engine, ["wait", plain])).toBe("143");
});

test("orphans are reaped", async () => {
  const id = start(engine, ["--init"], ["sleep", "1000"]);
  execute(engine, id, "for i in 1 2 3; do (sleep 0.2 & ); done");
  await eventually("no process but init, its command and these", () => {
    return execute(
      engine,
      id,
      "ls -d /proc/[0-9]* | wc -l; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l",
    ).endsWith("\n0");
  });
  await eventually("they have ended", () => !must(engine, ["top", id]).includes("sleep 0.2"));
});

test("as another user, with a terminal, in the host's pid namespace, without new privileges, read-only", () => {
  expect(shell(engine, ["--init", "--user=65534:65534"], "id -u")).toBe("65534");
  expect(shell(engine, ["--init", "-t"], "test -t 0 && echo terminal")).toContain("terminal");
  expect(shell(engine, ["--init", "--read-only", "--security-opt=no-new-privileges"], "echo fine")).toBe(
    "fine",
  );
  expect(shell(engine, ["--init", "--userns=host"], "echo fine")).toBe("fine");
  const id = start(engine, ["--init", "--pid=host"], ["sleep", "987"]);
  must(engine, ["kill", id]);
  expect(must(engine, ["wait", id])).toBe("137");
});

test("the init's file can't be written from inside", () => {
  const { code, stderr } = run(engine, ["--init"], ["sh", "-c", "echo x >/proc/1/exe"]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/Text file busy|Operation not permitted|Permission denied/);
});

test("by the daemon's default", async () => {
  await using other = await TestEngine.start("--init");
  await importBusybox(other);
  expect(run(other, [], ["sh", "-c", "echo $PPID"]).stdout).toBe("1\n");
  expect(run(other, ["--init=false"], ["sh", "-c", "echo $$"]).stdout).toBe("1\n");
  expect(command(other, ["info", "--format", "{{.InitBinary}}"]).stdout).toBe("docker-init\n");
});
