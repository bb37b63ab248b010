import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { pull } from "./pull.ts";

const answers = {
  "POST /images/create": { text: '{"status":"Pulling","id":"latest"}\n{"status":"Status: Downloaded"}\n' },
};

test("the tag is latest unless there is another, and the whole name comes last", async () => {
  expect(await runCommand(pull, ["busybox"], answers)).toMatchObject({
    code: 0,
    stdout:
      "Using default tag: latest\nlatest: Pulling\nStatus: Downloaded\ndocker.io/library/busybox:latest\n",
    asked: ["POST /images/create?fromImage=busybox&tag=latest"],
  });
  expect((await runCommand(pull, ["--platform", "linux/arm64", "r:5000/a/b:1"], answers)).asked).toEqual([
    "POST /images/create?fromImage=r:5000/a/b&tag=1&platform=linux/arm64",
  ]);
});

test("-q prints only the name", async () => {
  expect((await runCommand(pull, ["-q", "busybox"], answers)).stdout).toBe(
    "docker.io/library/busybox:latest\n",
  );
});

test("all tags are asked for by none", async () => {
  expect((await runCommand(pull, ["-a", "busybox"], answers)).asked).toEqual([
    "POST /images/create?fromImage=busybox",
  ]);
  expect(await runCommand(pull, ["-a", "busybox:1"], answers)).toMatchObject({
    problem: "tag can't be used with --all-tags/-a",
    asked: [],
  });
});

test("a digest takes the place of the tag", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect((await runCommand(pull, [`busybox@${digest}`], answers)).asked).toEqual([
    `POST /images/create?fromImage=busybox&tag=${digest}`,
  ]);
});

test("what fails midway is the command's failure, and no name is printed", async () => {
  const failing = {
    "POST /images/create": { text: '{"errorDetail":{"message":"no space"},"error":"no space"}\n' },
  };
  const ran = await runCommand(pull, ["-q", "busybox"], failing);
  expect(ran.problem).toContain("no space");
  expect(ran.stdout).toBe("");
});

test("verification can't be asked for", async () => {
  const ran = await runCommand(pull, ["--disable-content-trust=false", "busybox"], answers);
  expect(ran.problem).toContain("--disable-content-trust=false");
});
