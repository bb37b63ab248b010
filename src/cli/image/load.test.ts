import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { runCommand } from "../testing.ts";
import { load } from "./load.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-load-`);
afterAll(() => rmSync(directory, { recursive: true }));

const answers = { "POST /images/load": { text: '{"stream":"Loaded image: busybox:latest\\n"}\n' } };

test("an archive comes from standard input or a file", async () => {
  expect(await runCommand(load, [], answers, { stdin: "tar" })).toMatchObject({
    code: 0,
    stdout: "Loaded image: busybox:latest\n",
    asked: ["POST /images/load?quiet=1"],
    bodies: ["tar"],
  });
  writeFileSync(`${directory}/a.tar`, "of a file");
  const ran = await runCommand(load, ["-i", `${directory}/a.tar`, "--platform", "linux/arm64"], answers);
  expect(ran.bodies).toEqual(["of a file"]);
  expect(ran.asked).toEqual(['POST /images/load?quiet=1&platform={"architecture":"arm64","os":"linux"}']);
});

test("progress is asked for on a terminal only", async () => {
  const on = { stdin: "tar", terminal: true };
  expect((await runCommand(load, [], answers, on)).asked).toEqual(["POST /images/load?quiet=0"]);
  expect((await runCommand(load, ["-q"], answers, on)).asked).toEqual(["POST /images/load?quiet=1"]);
});

test("an old engine's plain text is shown as it is", async () => {
  const plain = { "POST /images/load": { text: "Loaded\n", contentType: "text/plain" } };
  expect((await runCommand(load, [], plain, { stdin: "tar" })).stdout).toBe("Loaded\n");
});

test("nobody types an archive", async () => {
  expect(await runCommand(load, [], answers, { stdinTerminal: true })).toMatchObject({
    problem: "requested load from stdin, but stdin is empty",
    asked: [],
  });
});
