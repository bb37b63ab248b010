import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../testing.ts";
import { exportContainer } from "./export.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-export-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const answers = { "GET /containers/web/export": { text: "archive", contentType: "application/x-tar" } };

test("to stdout, or to a file", async () => {
  expect(await runCommand(exportContainer, ["web"], answers)).toMatchObject({ code: 0, stdout: "archive" });
  const path = join(folder, "a.tar");
  expect(await runCommand(exportContainer, ["-o", path, "web"], answers)).toMatchObject({
    code: 0,
    stdout: "",
  });
  expect(readFileSync(path, "utf8")).toBe("archive");
});

test("never to a terminal", async () => {
  const { problem, asked } = await runCommand(exportContainer, ["web"], answers, { terminal: true });
  expect(problem).toBe("cowardly refusing to save to a terminal. Use the -o flag or redirect");
  expect(asked).toEqual([]);
});

test("of a container that isn't there no file is left", async () => {
  const { problem } = await runCommand(exportContainer, ["-o", join(folder, "a.tar"), "nosuch"], answers);
  expect(problem).toContain("no /containers/nosuch/export");
  expect(readdirSync(folder)).toEqual([]);
});
