import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { tag } from "./tag.ts";

test("the new name comes apart, with the tag latest unless it has another", async () => {
  const answers = { "POST /images/a/tag": { status: 201 } };
  expect((await runCommand(tag, ["a", "r:5000/me/b"], answers)).asked).toEqual([
    "POST /images/a/tag?repo=r:5000/me/b&tag=latest",
  ]);
  expect((await runCommand(tag, ["a", "b:1"], answers)).asked).toEqual(["POST /images/a/tag?repo=b&tag=1"]);
});

test("a name that is none, or has a digest, is refused before anything is asked", async () => {
  const wrong = await runCommand(tag, ["a", "B"]);
  expect(wrong.problem).toStartWith('Error parsing reference: "B" is not a valid repository/tag: ');
  expect(wrong.asked).toEqual([]);
  expect(await runCommand(tag, ["a", `b@sha256:${"0".repeat(64)}`])).toMatchObject({
    problem: "refusing to create a tag with a digest reference",
    asked: [],
  });
});
