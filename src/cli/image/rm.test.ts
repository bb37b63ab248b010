import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { rmi } from "./rm.ts";

const removed = { json: [{ Untagged: "a:latest" }, { Deleted: "sha256:1" }] };
const missing = { status: 404, json: { message: "No such image: b:latest" } };
const used = { status: 409, json: { message: "image is being used" } };

test("says what was untagged and deleted", async () => {
  const ran = await runCommand(rmi, ["--no-prune", "a"], { "DELETE /images/a": removed });
  expect(ran).toMatchObject({
    code: 0,
    stdout: "Untagged: a:latest\nDeleted: sha256:1\n",
    asked: ["DELETE /images/a?noprune=1"],
  });
});

test("platforms are sent as JSON, once each", async () => {
  const ran = await runCommand(rmi, ["--platform", "linux/amd64,linux/arm64", "a"], {
    "DELETE /images/a": removed,
  });
  expect(ran.asked).toEqual([
    'DELETE /images/a?platforms={"architecture":"amd64","os":"linux"}&platforms={"architecture":"arm64","os":"linux"}',
  ]);
});

test("the others are still removed; forcing forgives only what is missing", async () => {
  const answers = { "DELETE /images/a": removed, "DELETE /images/b": missing, "DELETE /images/c": used };
  const plain = await runCommand(rmi, ["b", "a"], answers);
  expect(plain.stdout).toContain("Deleted: sha256:1");
  expect(plain.problem).toBe("Error response from daemon: No such image: b:latest");
  expect(await runCommand(rmi, ["-f", "b"], answers)).toMatchObject({
    code: 0,
    stderr: "Error response from daemon: No such image: b:latest\n",
  });
  expect((await runCommand(rmi, ["-f", "b", "c"], answers)).problem).toBe(
    "Error response from daemon: No such image: b:latest\nError response from daemon: image is being used",
  );
});
