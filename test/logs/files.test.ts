/**
 * The drivers that keep logs in files: rotation, compression, attributes, and reading all of it.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { command, eventually, inspect, must, removeAll, start } from "../support/containers.ts";
import { dockerEnvironment, dockerPath } from "../support/docker.ts";
import { caisson, TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});
afterEach(async () => {
  await removeAll(engine);
});

/** Writes so many numbered lines of 100 bytes. */
const shellLines = (count: number): string[] => [
  "sh",
  "-c",
  `p=${"x".repeat(86)}; seq 1 ${count} | sed "s/$/ $p/"`,
];

const numbersOf = (text: string): number[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => Number(line.split(" ")[0]));

function expectConsecutive(numbers: readonly number[], last: number): void {
  expect(numbers.at(-1)).toBe(last);
  numbers.forEach((number, i) => {
    if (number !== last - numbers.length + 1 + i) throw new Error(`${number} at ${i} of ${numbers.length}`);
  });
}

const folder = (id: string): string => join(engine.dataRoot, "containers", id);

test("without a word about it there are five files of 20 MiB", async () => {
  const id = start(engine, [], shellLines(1_200_000));
  must(engine, ["wait", id]);
  const { LogPath, HostConfig } = await inspect(engine, id);
  expect(HostConfig["LogConfig"]).toEqual({ Type: "json-file", Config: {} });
  const files = readdirSync(dirname(LogPath)).filter((name) => name.includes("-json.log"));
  expect(files.toSorted()).toEqual(["", ".1", ".2", ".3", ".4"].map((suffix) => `${id}-json.log${suffix}`));
  for (const name of files) expect(statSync(join(dirname(LogPath), name)).size).toBeLessThanOrEqual(20 << 20);
  expectConsecutive(numbersOf(must(engine, ["logs", "--tail", "300000", id])), 1_200_000);
}, 120_000);

test("older files are compressed, and read as if they were not", async () => {
  const options = ["max-size=1m", "max-file=5", "compress=true"].map((one) => `--log-opt=${one}`);
  const id = start(engine, options, shellLines(60_000));
  must(engine, ["wait", id]);
  const path = `${folder(id)}/${id}-json.log`;
  await eventually("all are compressed", () => [1, 2, 3, 4].every((n) => existsSync(`${path}.${n}.gz`)), 30);
  expect(readdirSync(folder(id)).filter((name) => name.includes("json.log"))).toHaveLength(5);
  expect(
    gunzipSync(readFileSync(`${path}.1.gz`))
      .toString()
      .endsWith('Z"}\n'),
  ).toBe(true);
  const all = numbersOf(must(engine, ["logs", id]));
  expectConsecutive(all, 60_000);
  expect(all.length).toBeGreaterThan(15_000);
  for (const tail of [1, 5000, 12_000, 15_000])
    expect(numbersOf(must(engine, ["logs", "--tail", String(tail), id]))).toHaveLength(tail);
  expect(
    must(engine, ["logs", "--since", "2000-01-01T00:00:00Z", "--until", "2000-01-02T00:00:00Z", id]),
  ).toBe("");
  // It goes on where it was.
  must(engine, ["start", id]);
  must(engine, ["wait", id]);
  expectConsecutive(numbersOf(must(engine, ["logs", "--tail", "12000", id])), 60_000);
}, 120_000);

test("a follower gets every line once, over rotations and compression", async () => {
  const options = ["max-size=300k", "max-file=9", "compress=true"].map((one) => `--log-opt=${one}`);
  const script = `p=${"x".repeat(86)}; for i in $(seq 1 12); do seq $((i*1000-999)) $((i*1000)) | sed "s/$/ $p/"; sleep 1; done`;
  const id = start(engine, options, ["sh", "-c", script]);
  const followers = Array.from({ length: 3 }, () => {
    const child = spawn(dockerPath ?? caisson, ["logs", "-f", id], {
      env: dockerEnvironment(engine),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    return new Promise<string>((resolve) => child.once("close", () => resolve(text)));
  });
  for (const text of await Promise.all(followers)) {
    const numbers = numbersOf(text);
    expect(numbers).toHaveLength(12_000);
    expectConsecutive(numbers, 12_000);
  }
  const path = `${folder(id)}/${id}-json.log`;
  await eventually("the last ones are compressed", () => existsSync(`${path}.1.gz`), 30);
}, 120_000);

test("labels, variables and the tag stand in the file, and `logs --details` shows them", async () => {
  const flags = [
    "--name=web",
    "--label=com.example.a=1",
    "--label=b=2",
    "--env=OS=linux",
    "--log-opt=labels-regex=^com\\.",
    "--log-opt=env=OS,NOSUCH",
    "--log-opt=tag={{.Name}}/{{.ImageName}}",
  ];
  const id = start(engine, flags, ["echo", "<hi>"]);
  must(engine, ["wait", id]);
  const { LogPath } = await inspect(engine, id);
  const record: unknown = JSON.parse(readFileSync(LogPath, "utf8"));
  const attrs = { OS: "linux", "com.example.a": "1", tag: "web/busybox" };
  expect(record).toEqual({ log: "<hi>\n", stream: "stdout", attrs, time: expect.stringMatching(/Z$/) });
  expect(must(engine, ["logs", "--details", id])).toBe("OS=linux,com.example.a=1,tag=web%2Fbusybox <hi>");
});

test("the driver local has no path that clients see, is read, and goes with its container", async () => {
  const id = start(engine, ["--log-driver=local", "--log-opt=max-size=200k"], shellLines(8000));
  must(engine, ["wait", id]);
  const { LogPath } = await inspect(engine, id);
  expect(LogPath).toBe("");
  const path = join(folder(id), "local-logs", "container.log");
  await eventually("older files are compressed", () => existsSync(`${path}.4.gz`), 30);
  expectConsecutive(numbersOf(must(engine, ["logs", id])), 8000);
  must(engine, ["rm", id]);
  await eventually("its folder goes", () => !existsSync(folder(id)));
});

test("without a log there is nothing to read, as dockerd says it", () => {
  const id = start(engine, ["--log-driver=none"], ["echo", "hi"]);
  const { code, stderr } = command(engine, ["logs", id]);
  expect(code).toBe(1);
  expect(stderr).toContain("configured logging driver does not support reading");
});

test("info lists what there is, and a daemon with options that can't be doesn't start", async () => {
  const info = (await engine.request("GET", "/info")).json<{
    Plugins: { Log: string[] };
    LoggingDriver: string;
  }>();
  expect(info.LoggingDriver).toBe("json-file");
  expect(info.Plugins.Log).toEqual(["fluentd", "gelf", "journald", "json-file", "local", "syslog"]);
  const refused = engine.runInside(caisson, [
    "daemon",
    "--log-driver=syslog",
    "--log-opt=x=1",
    `--host=unix://${engine.directory}/other.sock`,
    `--data-root=${engine.directory}/other`,
    `--exec-root=${engine.directory}/other.run`,
    `--pidfile=${engine.directory}/other.pid`,
  ]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("failed to set log opts: unknown log opt 'x' for syslog log driver");
});
