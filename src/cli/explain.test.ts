import { expect, test } from "bun:test";
import { explain } from "./explain.ts";
import { runCommand } from "./testing.ts";

const answers = { "POST /caisson/explain/run": { text: "0  # open the root", contentType: "text/plain" } };

test("run's flags become the request, its text ends with a line end", async () => {
  const ran = await runCommand(explain, ["run", "--name", "web", "-m", "64m", "busybox", "sh"], answers);
  expect(ran).toMatchObject({ code: 0, stdout: "0  # open the root\n" });
  expect(ran.asked).toEqual(["POST /caisson/explain/run?name=web"]);
  expect(JSON.parse(ran.bodies[0] ?? "")).toMatchObject({
    Image: "busybox",
    Cmd: ["sh"],
    HostConfig: { Memory: 64 * 1024 ** 2 },
  });
});

test("what it can't explain is refused before anything is asked", async () => {
  expect(await runCommand(explain, ["ps", "-a"])).toMatchObject({
    problem: 'caisson: explain knows only run, not "ps"',
    asked: [],
  });
  const none = await runCommand(explain, ["run", "--rm"]);
  expect(none.problem).toContain("requires at least 1 argument");
  expect((await runCommand(explain, ["run", "--pull", "x", "busybox"])).problem).toContain(
    "invalid pull option",
  );
});

test("the engine's refusal is said with a hint", async () => {
  const ran = await runCommand(explain, ["run", "busybox"]);
  expect(ran.problem).toContain("Error response from daemon: no /caisson/explain/run");
  expect(ran.problem).toEndWith("Run 'caisson explain run --help' for more information");
});
