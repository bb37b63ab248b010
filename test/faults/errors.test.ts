/**
 * What fails says which step of the program failed, in the words in which `explain` shows that step.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { command, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

/** The step that an error names, and what explain says of it. */
async function stepOf(error: string, body: object): Promise<{ text: string; explained: string }> {
  const match = /([^:]+): (\w+)\(.*\): E[A-Z]+ \(.*\) \[step (\d+)\]/.exec(error);
  if (match === null) throw new Error(`no step in: ${error}`);
  const [, text = "", , index = ""] = match;
  const answer = await engine.request("POST", "/caisson/explain/run", body);
  expect(answer.status).toBe(200);
  const lines = answer.body.toString("utf8").split("\n");
  const explained = lines.filter((line) => new RegExp(`(^|\\D)${index}(\\D|$)`).test(line.slice(0, 12)));
  return { text: text.trim(), explained: explained.join("\n") };
}

const startFails = async (body: object): Promise<string> => {
  const { Id } = (await engine.request("POST", "/containers/create", body)).json<{ Id: string }>();
  const { status, body: answer } = await engine.request("POST", `/containers/${Id}/start`);
  expect(status).toBeGreaterThanOrEqual(400);
  return (JSON.parse(answer.toString("utf8")) as { message: string }).message;
};

test("a bind's source that vanished after the container was made", async () => {
  const source = mkdtempSync(join(engine.directory, "source."));
  const body = {
    Image: "busybox",
    Cmd: ["true"],
    HostConfig: { NetworkMode: "none", Mounts: [{ Type: "bind", Source: source, Target: "/x" }] },
  };
  const { Id } = (await engine.request("POST", "/containers/create", body)).json<{ Id: string }>();
  rmSync(source, { recursive: true });
  const { message } = (await engine.request("POST", `/containers/${Id}/start`)).json<{ message: string }>();
  expect(message).toContain(source);
  expect(message).toMatch(
    /ENOENT \(no such file or directory\) \[step \d+\]|bind source path does not exist/,
  );
});

test("an entrypoint without its x bit", async () => {
  const body = { Image: "busybox", Entrypoint: ["/etc/passwd"], HostConfig: { NetworkMode: "none" } };
  const message = await startFails(body);
  expect(message).toContain('exec: "/etc/passwd": permission denied');
  const { text, explained } = await stepOf(message, body);
  expect(text).toBe("execute /etc/passwd");
  expect(explained).toContain("execute /etc/passwd");
});

test("a command line says the same", () => {
  const { code, stderr } = command(engine, [
    "run",
    "--rm",
    "--net=none",
    "--entrypoint=/etc/passwd",
    "busybox",
  ]);
  expect(code).toBe(126);
  expect(stderr).toContain("execve(");
  expect(stderr).toMatch(/\[step \d+\]/);
});

test("a limit on processes that is reached already", () => {
  const id = start(engine, ["--pids-limit=1"]);
  const { code, stdout, stderr } = command(engine, ["exec", id, "true"]);
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(/EAGAIN \(resource temporarily unavailable\) \[step \d+\]/i);
  must(engine, ["rm", "-f", id]);
});

test("explain makes nothing", async () => {
  const body = {
    Image: "busybox",
    Cmd: ["true"],
    HostConfig: { NetworkMode: "none", Memory: 64 << 20, CapDrop: ["ALL"] },
  };
  const { body: text } = await engine.request("POST", "/caisson/explain/run", body);
  for (const word of ["clone", "pivot_root", "overlay", "proc", "seccomp", "execve", "capset", "memory"])
    expect(text.toString("utf8")).toContain(word);
  expect((await engine.request("GET", "/containers/json?all=1")).json<object[]>()).toEqual([]);
});
