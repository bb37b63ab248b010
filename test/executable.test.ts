/**
 * The single executable as such.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { caisson } from "./support/engine.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "caisson-hostile."));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("the directory that it runs in configures nothing", () => {
  const trap = join(directory, "trapped");
  const trapping = `require("node:fs").writeFileSync(${JSON.stringify(trap)}, "x");`;
  writeFileSync(join(directory, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  writeFileSync(join(directory, "evil.ts"), trapping);
  writeFileSync(join(directory, "package.json"), '{ "type": "commonjs", "main": "./evil.ts" }');
  writeFileSync(join(directory, "tsconfig.json"), "{ not json");
  writeFileSync(join(directory, ".env"), "DOCKER_HOST=gopher://evil\nBUN_OPTIONS=--preload=./evil.ts\n");
  const { DOCKER_HOST: _, ...env } = process.env;
  const version = spawnSync(caisson, ["--version"], { cwd: directory, env, encoding: "utf8" });
  expect(version.stdout).toMatch(/^caisson version \d+\.\d+\.\d+/);
  // A host that can't be parsed would be complained about before the engine is asked for its absence.
  const absent = spawnSync(caisson, ["-H", `unix://${directory}/nobody`, "ps"], {
    cwd: directory,
    env,
    encoding: "utf8",
  });
  expect(absent.stderr).not.toContain("gopher");
  expect(existsSync(trap)).toBe(false);
});

test("an unknown command ends with 1 and says how to get help", () => {
  const { status, stderr } = spawnSync(caisson, ["nonsense"], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toContain("unknown command: caisson nonsense");
});

test("the version is told without loading the rest", () => {
  const times = Array.from({ length: 15 }, () => {
    const start = performance.now();
    spawnSync(caisson, ["--version"]);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  // The best of many, since the machine may be busy: 25 ms are usual, 200 ms is what loading everything takes.
  expect(times[0]).toBeLessThan(100);
});
