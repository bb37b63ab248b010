import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { commit } from "./commit.ts";

const made = { "POST /commit": { status: 201, json: { Id: "sha256:abc" } } };

test("a container, and that is all", async () => {
  const { code, stdout, asked } = await runCommand(commit, ["web"], made);
  expect([code, stdout]).toEqual([0, "sha256:abc\n"]);
  const query = new URLSearchParams(asked[0]?.split("?")[1]);
  expect(asked[0]).toStartWith("POST /commit?");
  expect(query.get("container")).toBe("web");
  expect([query.has("repo"), query.has("tag")]).toEqual([false, false]);
});

test("everything that can be said", async () => {
  const words = [
    "-a",
    "Me",
    "-m",
    "text",
    "-c",
    "ENV A=b",
    "-c",
    "CMD x",
    "--pause=false",
    "web",
    "docker.io/library/app",
  ];
  const { asked } = await runCommand(commit, words, made);
  const query = new URLSearchParams(asked[0]?.split("?")[1]);
  expect(Object.fromEntries(query)).toMatchObject({
    container: "web",
    repo: "app",
    tag: "latest",
    author: "Me",
    comment: "text",
  });
  expect(query.getAll("changes")).toEqual(["ENV A=b", "CMD x"]);
  expect(["0", "false"]).toContain(query.get("pause") ?? "");
});

test("a digest is no name for an image", async () => {
  const { problem, asked } = await runCommand(commit, ["web", `app@sha256:${"a".repeat(64)}`], made);
  expect([problem, asked]).toEqual(["refusing to create a tag with a digest reference", []]);
});
