import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { update } from "./update.ts";

const done = (Warnings: string[] | null = null): { json: object } => ({ json: { Warnings } });

test("what is given is sent, and nothing else", async () => {
  const ran = await runCommand(
    update,
    ["-m", "64m", "--memory-swap=-1", "--cpus", "1.5", "--pids-limit", "7", "--restart", "on-failure:3", "a"],
    { "POST /containers/a/update": done() },
  );
  expect(ran).toMatchObject({ code: 0, stdout: "a\n" });
  expect(JSON.parse(ran.bodies[0] ?? "")).toEqual({
    Memory: 64 << 20,
    MemorySwap: -1,
    NanoCpus: 1.5e9,
    PidsLimit: 7,
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
  });
});

test("labels and the healthcheck, which Docker can't change", async () => {
  const ran = await runCommand(
    update,
    [
      "--label",
      "a=b",
      "--label",
      "c",
      "--label-rm",
      "d",
      "--health-cmd",
      "true",
      "--health-retries",
      "2",
      "x",
    ],
    { "POST /containers/x/update": done() },
  );
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({
    Labels: { a: "b", c: "", d: null },
    Healthcheck: { Test: ["CMD-SHELL", "true"], Retries: 2 },
  });
});

test("warnings come after the names, errors last", async () => {
  const ran = await runCommand(update, ["-c", "5", "a", "b", "c"], {
    "POST /containers/a/update": done(["careful"]),
    "POST /containers/b/update": { status: 404, json: { message: "No such container: b" } },
    "POST /containers/c/update": done(),
  });
  expect(ran.stdout).toBe("a\nc\ncareful\n");
  expect(ran.problem).toContain("No such container: b");
});

test("without a flag there is nothing to do", async () => {
  expect(await runCommand(update, ["a"])).toMatchObject({
    problem: "you must provide one or more flags when using this command",
    asked: [],
  });
});
