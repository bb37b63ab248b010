import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { runCommand } from "../testing.ts";
import { save } from "./save.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-save-`);
afterAll(() => rmSync(directory, { recursive: true }));

const answers = { "GET /images/get": { text: "tar", contentType: "application/x-tar" } };

test("the archive goes to standard output, or to a file", async () => {
  expect(await runCommand(save, ["a", "b:1"], answers)).toMatchObject({
    code: 0,
    stdout: "tar",
    asked: ["GET /images/get?names=a&names=b:1"],
  });
  const file = `${directory}/out.tar`;
  expect(await runCommand(save, ["-o", file, "a"], answers, { terminal: true })).toMatchObject({
    code: 0,
    stdout: "",
  });
  expect(readFileSync(file, "utf8")).toBe("tar");
});

test("never to a terminal", async () => {
  const ran = await runCommand(save, ["a"], answers, { terminal: true });
  expect(ran.problem).toStartWith("cowardly refusing to save to a terminal");
  expect(ran.asked).toEqual([]);
});

test("a refusal leaves no file behind", async () => {
  const file = `${directory}/none.tar`;
  expect((await runCommand(save, ["-o", file, "a"])).problem).toStartWith("Error response from daemon");
  expect(() => readFileSync(file)).toThrow("ENOENT");
});
