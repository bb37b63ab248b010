import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { kill, pause, rename, restart, rm, stop, unpause, wait } from "./lifecycle.ts";

const gone = { status: 404, json: { message: "No such container: b" } };
const done = { status: 204 };

test("stop and restart send the signal and the time only when they are given", async () => {
  const answers = { "POST /containers/a/stop": done, "POST /containers/a/restart": done };
  expect((await runCommand(stop, ["a"], answers)).asked).toEqual(["POST /containers/a/stop"]);
  expect((await runCommand(stop, ["-s", "HUP", "--time", "0", "a"], answers)).asked).toEqual([
    "POST /containers/a/stop?signal=HUP&t=0",
  ]);
  expect((await runCommand(restart, ["-t", "-1", "a"], answers)).asked).toEqual([
    "POST /containers/a/restart?t=-1",
  ]);
});

test("one that fails doesn't hold up the others; the errors come last", async () => {
  const ran = await runCommand(kill, ["-s", "9", "a", "b", "c"], {
    "POST /containers/a/kill": done,
    "POST /containers/b/kill": gone,
    "POST /containers/c/kill": done,
  });
  expect(ran.stdout).toBe("a\nc\n");
  expect(ran.problem).toBe("Error response from daemon: No such container: b");
  expect(ran.asked.toSorted()).toEqual(
    ["a", "b", "c"].map((name) => `POST /containers/${name}/kill?signal=9`),
  );
});

test("pause and unpause", async () => {
  expect(await runCommand(pause, ["a"], { "POST /containers/a/pause": done })).toMatchObject({
    code: 0,
    stdout: "a\n",
  });
  expect(await runCommand(unpause, ["a"], { "POST /containers/a/unpause": done })).toMatchObject({
    code: 0,
    stdout: "a\n",
  });
});

test("rm forgives a missing container only when it is forced", async () => {
  const answers = { "DELETE /containers/a": done, "DELETE /containers/b": gone };
  expect(await runCommand(rm, ["-v", "-f", "a", "b"], answers)).toMatchObject({
    code: 0,
    stdout: "a\n",
    stderr: "Error response from daemon: No such container: b\n",
    asked: ["DELETE /containers/a?force=1&v=1", "DELETE /containers/b?force=1&v=1"],
  });
  expect((await runCommand(rm, ["b"], answers)).problem).toContain("No such container: b");
});

test("rm takes the slashes off a name, and refuses one that is nothing else", async () => {
  const ran = await runCommand(rm, ["/a/"], { "DELETE /containers/a": done });
  expect(ran).toMatchObject({ code: 0, stdout: "/a/\n", asked: ["DELETE /containers/a"] });
  expect(await runCommand(rm, ["/"])).toMatchObject({ problem: "container name cannot be empty", asked: [] });
});

test("wait prints each exit code and goes on after a failure", async () => {
  const ran = await runCommand(wait, ["a", "b", "c"], {
    "POST /containers/a/wait": { json: { StatusCode: 3 } },
    "POST /containers/b/wait": gone,
    "POST /containers/c/wait": { json: { StatusCode: 0 } },
  });
  expect(ran.stdout).toBe("3\n0\n");
  expect(ran.problem).toContain("No such container: b");
});

test("rename says which container it couldn't rename, and asks nothing for an empty name", async () => {
  expect(await runCommand(rename, ["a", "b"], { "POST /containers/a/rename": done })).toMatchObject({
    code: 0,
    stdout: "",
    asked: ["POST /containers/a/rename?name=b"],
  });
  expect((await runCommand(rename, ["b", "c"], { "POST /containers/b/rename": gone })).problem).toBe(
    "Error response from daemon: No such container: b\nError: failed to rename container named b",
  );
  expect(await runCommand(rename, ["a", " "])).toMatchObject({
    problem: "Error: Neither old nor new names may be empty",
    asked: [],
  });
});
