import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { removeVolumes } from "./rm.ts";

const answers = {
  "DELETE /volumes/a": { status: 204 },
  "DELETE /volumes/b": { status: 404, json: { message: "get b: no such volume" } },
  "DELETE /volumes/c": { status: 409, json: { message: "volume is in use" } },
};

test("each that goes is named; the errors come last", async () => {
  const ran = await runCommand(removeVolumes, ["b", "a", "c"], answers);
  expect(ran.stdout).toBe("a\n");
  expect(ran.problem).toBe(
    "Error response from daemon: get b: no such volume\nError response from daemon: volume is in use",
  );
});

test("forcing forgives what is missing, not what is used", async () => {
  expect(await runCommand(removeVolumes, ["-f", "b"], answers)).toMatchObject({
    code: 0,
    stdout: "b\n",
    asked: ["DELETE /volumes/b?force=1"],
  });
  expect((await runCommand(removeVolumes, ["-f", "c"], answers)).problem).toContain("volume is in use");
});
