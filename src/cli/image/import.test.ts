import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { runCommand } from "../testing.ts";
import { importImage } from "./import.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-import-`);
afterAll(() => rmSync(directory, { recursive: true }));

const answers = { "POST /images/create": { text: '{"status":"sha256:abc"}\n' } };

test("a tar of standard input becomes an image with a name", async () => {
  const argv = ["-m", "why", "-c", "ENV A=1", "-c", "CMD x", "--platform", "linux/amd64", "-", "me/app:1"];
  expect(await runCommand(importImage, argv, answers, { stdin: "tar" })).toMatchObject({
    code: 0,
    stdout: "sha256:abc\n",
    asked: [
      "POST /images/create?fromSrc=-&repo=me/app&tag=1&message=why&platform=linux/amd64&changes=ENV A=1&changes=CMD x",
    ],
    bodies: ["tar"],
  });
});

test("a file is sent, a URL is the engine's to fetch", async () => {
  writeFileSync(`${directory}/a.tar`, "bytes");
  expect(await runCommand(importImage, [`${directory}/a.tar`], answers)).toMatchObject({
    asked: ["POST /images/create?fromSrc=-"],
    bodies: ["bytes"],
  });
  expect(await runCommand(importImage, ["https://host/a.tar"], answers)).toMatchObject({
    asked: ["POST /images/create?fromSrc=https://host/a.tar"],
    bodies: [""],
  });
});

test("a file that isn't there is said, and nothing is asked", async () => {
  expect(await runCommand(importImage, [`${directory}/none`], answers)).toMatchObject({
    problem: `open ${directory}/none: no such file or directory`,
    asked: [],
  });
});

test("what the engine fails with midway is the command's failure", async () => {
  const failing = {
    "POST /images/create": { text: '{"errorDetail":{"message":"bad tar"},"error":"bad tar"}\n' },
  };
  expect((await runCommand(importImage, ["-"], failing)).problem).toContain("bad tar");
});
