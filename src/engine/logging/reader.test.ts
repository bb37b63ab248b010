import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogOptions } from "../engine.ts";
import { readLogs, type LiveLog } from "./reader.ts";
import { now } from "../time.ts";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-"));
  path = join(folder, "x-json.log");
});
afterEach(async () => rm(folder, { recursive: true }));

const defaults: LogOptions & { tty: boolean } = {
  stdout: true,
  stderr: true,
  follow: false,
  timestamps: false,
  details: false,
  tty: true,
};

/** A record as the shim writes it. */
function record(log: string, stream = "stdout", time = "2024-01-02T03:04:05.123456789Z"): string {
  return `${JSON.stringify({ log, stream, time })}\n`;
}

function numbered(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => record(`${from + i}\n`)).join("");
}

function expected(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => `${from + i}\n`).join("");
}

async function bytes(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function text(options: Partial<LogOptions & { tty: boolean }> = {}, live?: LiveLog): Promise<string> {
  return (await bytes(readLogs(path, { ...defaults, ...options }, live))).toString();
}

/** Follows the log; `seen` waits for text, `end` says that the container is done. */
function follow(options: Partial<LogOptions> = {}): {
  seen: (wanted: string) => Promise<void>;
  end: () => void;
  done: Promise<string>;
  stream: Readable;
} {
  const ended = Promise.withResolvers<void>();
  const stream = readLogs(path, { ...defaults, follow: true, ...options }, { ended: ended.promise });
  let all = "";
  stream.on("data", (chunk: Buffer) => (all += chunk.toString()));
  const done = new Promise<string>((resolve) => stream.on("close", () => resolve(all)));
  const seen = async (wanted: string): Promise<void> => {
    while (!all.endsWith(wanted)) await sleep(2);
  };
  return { seen, end: ended.resolve, done, stream };
}

test("a missing log is empty", async () => {
  expect(await text()).toBe("");
  expect(await text({ tail: 5 })).toBe("");
  expect(await text({ follow: true })).toBe("");
});

test("frames carry the stream and the length", async () => {
  await writeFile(path, record("out\n") + record("err", "stderr"));
  const all = await bytes(readLogs(path, { ...defaults, tty: false }, undefined));
  expect(all.toString("latin1")).toBe("\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x03err");
});

test("streams are chosen", async () => {
  await writeFile(path, record("a\n") + record("b\n", "stderr") + record("c\n"));
  expect(await text({ stderr: false })).toBe("a\nc\n");
  expect(await text({ stdout: false })).toBe("b\n");
});

test("times have nine digits, details a space", async () => {
  await writeFile(
    path,
    record("a\n", "stdout", "2024-01-02T03:04:05.12Z") + record("b\n", "stdout", "2024-01-02T03:04:05Z"),
  );
  expect(await text({ timestamps: true })).toBe(
    "2024-01-02T03:04:05.120000000Z a\n2024-01-02T03:04:05.000000000Z b\n",
  );
  expect(await text({ details: true, timestamps: true, tail: 1 })).toBe(
    "2024-01-02T03:04:05.000000000Z  b\n",
  );
});

test("attributes of a log that Docker wrote are shown sorted and encoded", async () => {
  const line = {
    log: "a\n",
    stream: "stdout",
    attrs: { tag: "x y", a: "1&2" },
    time: "2024-01-02T03:04:05Z",
  };
  await writeFile(path, `${JSON.stringify(line)}\n`);
  expect(await text({ details: true })).toBe("a=1%262,tag=x+y a\n");
  expect(await text()).toBe("a\n");
});

test("since skips until the first record that is new enough, until ends", async () => {
  const at = (seconds: number): string => `2024-01-02T03:04:0${seconds}.5Z`;
  const log = [1, 3, 2, 4, 5].map((s) => record(`${s}\n`, "stdout", at(s))).join("");
  await writeFile(path, log);
  const nanoseconds = (seconds: number): bigint => BigInt(Date.parse(at(seconds))) * 1_000_000n;
  expect(await text({ since: nanoseconds(3) })).toBe("3\n2\n4\n5\n");
  expect(await text({ until: nanoseconds(3) })).toBe("1\n3\n2\n");
  expect(await text({ since: nanoseconds(3) + 1n, until: nanoseconds(4) })).toBe("4\n");
  expect(await text({ until: nanoseconds(3), follow: true }, { ended: new Promise(() => {}) })).toBe(
    "1\n3\n2\n",
  );
});

test("a tail begins at a line, over blocks and over files", async () => {
  await writeFile(`${path}.2`, numbered(0, 3));
  await writeFile(`${path}.1`, numbered(3, 6));
  await writeFile(path, numbered(6, 9));
  for (const tail of [0, 1, 2, 3, 4, 6, 8, 9, 10, 1000])
    expect(await text({ tail })).toBe(expected(Math.max(0, 9 - tail), 9));
  await writeFile(path, numbered(6, 20_006));
  expect(await text({ tail: 5000 })).toBe(expected(15_006, 20_006));
  expect(await text()).toBe(expected(0, 20_006));
});

test("a line without its end is left out, and told of if nobody writes any more", async () => {
  await writeFile(path, `${record("a\n")}{"log":"ha`);
  expect(await text({ tail: 1 })).toBe("a\n");
  const corrupt: string[] = [];
  const all = await bytes(readLogs(path, defaults, undefined, (line) => corrupt.push(line)));
  expect([all.toString(), corrupt]).toEqual(["a\n", ['{"log":"ha']]);
});

test("what is no record is skipped and told of", async () => {
  const bad = [
    '{"log":"ha',
    "x",
    '{"log":"a","stream":"stdin","time":"2024-01-02T03:04:05Z"}',
    '{"log":1}',
    "[]",
  ];
  await writeFile(path, `${record("a\n")}${bad.join("\n")}\n\n${record("b\n")}`);
  const corrupt: string[] = [];
  const all = await bytes(readLogs(path, defaults, undefined, (line) => corrupt.push(line)));
  expect([all.toString(), corrupt]).toEqual(["a\nb\n", bad]);
});

test("a record of any length is read, a line of megabytes is none", async () => {
  const long = "x".repeat(700_000);
  await writeFile(path, `${record("a\n")}${record(long)}${"y".repeat(9_000_000)}\n${record("b\n")}`);
  const corrupt: string[] = [];
  const all = await bytes(readLogs(path, defaults, undefined, (line) => corrupt.push(line)));
  expect(all.toString() === `a\n${long}b\n`).toBe(true);
  expect(corrupt).toEqual(["y".repeat(200)]);
});

test("following gives what is written until the container is done", async () => {
  await writeFile(path, numbered(0, 3));
  const { seen, end, done } = follow({ tail: 1 });
  await seen("2\n");
  await appendFile(path, numbered(3, 5));
  await seen("4\n");
  await appendFile(path, '{"log":"5\\n","stream":"std');
  await sleep(20);
  await appendFile(path, 'out","time":"2024-01-02T03:04:05Z"}\n');
  await seen("5\n");
  await appendFile(path, numbered(6, 1000));
  end();
  expect(await done).toBe(expected(2, 1000));
});

test("following begins with nothing at tail 0 and with a log that comes later", async () => {
  await writeFile(path, `${numbered(0, 3)}{"log":"3\\n",`);
  const one = follow({ tail: 0 });
  await sleep(20);
  await appendFile(path, '"stream":"stdout","time":"2024-01-02T03:04:05Z"}\n');
  await one.seen("3\n");
  one.end();
  expect(await one.done).toBe("3\n");
  await rm(path);
  const two = follow();
  await sleep(20);
  await writeFile(path, numbered(0, 2));
  two.end();
  expect(await two.done).toBe(expected(0, 2));
});

test("following survives rotations without loss or repetition", async () => {
  await writeFile(path, numbered(0, 10));
  const { end, done } = follow();
  let next = 10;
  for (let round = 0; round < 60; round++) {
    await appendFile(path, numbered(next, next + 50));
    next += 50;
    if (round % 3 === 2) {
      // As the shim does it; enough is kept for a follower that a busy machine holds up.
      await writeFile(`${path}.new`, "");
      for (let i = Math.min(Math.floor(round / 3), 7); i > 0; i--)
        await rename(`${path}.${i}`, `${path}.${i + 1}`);
      await rename(path, `${path}.1`);
      await rename(`${path}.new`, path);
      if (round % 2 === 0) await sleep(3);
    }
    await sleep(1);
  }
  end();
  expect(await done).toBe(expected(0, next));
});

test("many who follow get all of it, from wherever they began and however they want it", async () => {
  await writeFile(path, numbered(0, 10));
  const followers = [follow(), follow(), follow({ tail: 5 }), follow({ timestamps: true }), follow()];
  await Promise.all(followers.map(({ seen }) => seen("9\n")));
  const time = "2024-01-02T03:04:05.123456789Z ";
  for (let i = 10; i < 400; i += 10) {
    await appendFile(path, numbered(i, i + 10));
    if (i === 100) followers.push(follow());
    if (i % 20 === 0) await sleep(1);
    if (i === 200) {
      await Promise.all(followers.map(({ seen }) => seen("209\n")));
      await rename(path, `${path}.1`);
      await writeFile(path, "");
    }
  }
  await Promise.all(followers.map(({ seen }) => seen("399\n")));
  for (const { end } of followers) end();
  const [first, second, third, stamped, ...others] = await Promise.all(followers.map(({ done }) => done));
  const all = expected(0, 400);
  expect([first, second, ...others]).toEqual([all, all, all, all]);
  expect(third).toBe(expected(5, 400));
  expect(stamped?.replaceAll(time, "")).toBe(all);
});

test("a record that the shim took back isn't mixed with the next", async () => {
  await writeFile(path, `${record("a\n")}{"log":"half of a rec`);
  const { seen, end, done } = follow();
  await seen("a\n");
  await truncate(path, record("a\n").length);
  await sleep(20);
  await appendFile(path, record("b\n"));
  end();
  expect(await done).toBe("a\nb\n");
});

test("until ends following at that time though nothing is written", async () => {
  await writeFile(path, record("a\n"));
  const { done } = follow({ until: now() + 50_000_000n });
  expect(await done).toBe("a\n");
});

test("a client that leaves ends following at once", async () => {
  await writeFile(path, record("a\n"));
  const { seen, done, stream } = follow();
  await seen("a\n");
  const before = performance.now();
  stream.destroy();
  await done;
  expect(performance.now() - before).toBeLessThan(300);
});
