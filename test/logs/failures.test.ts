/**
 * Log servers that are slow, hang, die; engines that are killed; disks that are full. What arrives is in order, and whole
 * where it must be.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { command, eventually, execute, inspect, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { LogServer, type FluentdMessage } from "./servers.ts";

let engine: TestEngine;
let scratch: string;
let count = 0;

beforeAll(async () => {
  engine = await TestEngine.startWithMounts();
  await importBusybox(engine);
  scratch = mkdtempSync(join(engine.directory, "servers-"));
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const fresh = (): string => join(scratch, `got-${count++}`);
const flagsOf = (driver: string, options: Readonly<Record<string, string>>): string[] => [
  `--log-driver=${driver}`,
  ...Object.entries(options).map(([name, value]) => `--log-opt=${name}=${value}`),
];
/** So many numbered lines of 100 bytes. */
const lines = (wanted: number): string[] => [
  "sh",
  "-c",
  `p=${"x".repeat(80)}; seq 1 ${wanted} | sed "s/$/ $p/"`,
];
const numberOf = (text: string): number => Number(text.split(" ")[0]);
const numbersOf = (server: LogServer): number[] =>
  server.got<FluentdMessage>().map(([, , record]) => numberOf(record["log"] ?? ""));
const isRunning = async (id: string, on: TestEngine = engine): Promise<boolean> =>
  (await inspect(on, id)).State.Running;

/** Every number from 1 to `last` came, each first time in order; so many came again. */
function expectWhole(numbers: readonly number[], last: number): number {
  const seen = new Set<number>();
  const first = numbers.filter((number) => !seen.has(number) && seen.add(number).size > 0);
  first.forEach((number, i) => {
    if (number !== i + 1) throw new Error(`line ${number} came as the ${i + 1}th of ${first.length}`);
  });
  expect(first).toHaveLength(last);
  return numbers.length - first.length;
}

const small = { "cache-max-size": "500k", "cache-max-file": "3" };

test("blocking: while the server is dead the container waits; nothing is lost", async () => {
  const where = join(scratch, "blocking.sock");
  const file = fresh();
  using first = await LogServer.start(engine, file, "fluentd", where, "ack");
  const options = { "fluentd-address": `unix://${where}`, "fluentd-retry-wait": "200ms", ...small };
  const id = start(engine, flagsOf("fluentd", options), [
    "sh",
    "-c",
    `p=${"x".repeat(80)}; seq 1 1000 | sed "s/$/ $p/"; sleep 1; seq 1001 40000 | sed "s/$/ $p/"`,
  ]);
  await eventually("the first lines", () => numbersOf(first).length >= 1000);
  await first.kill();
  await delay(3000);
  // 40,000 lines are six times what may be unsent.
  expect(await isRunning(id)).toBe(true);
  using second = await LogServer.start(engine, file, "fluentd", where, "ack");
  must(engine, ["wait", id]);
  await eventually("the last line", () => numbersOf(second).at(-1) === 40_000, 30);
  const again = expectWhole(numbersOf(second), 40_000);
  expect(again).toBeLessThan(3000);
}, 90_000);

test("blocking: two files wait for a server that is dead, and no more", async () => {
  const where = join(scratch, "bounded.sock");
  const file = fresh();
  using first = await LogServer.start(engine, file, "fluentd", where, "ack");
  const options = {
    "fluentd-address": `unix://${where}`,
    "fluentd-retry-wait": "200ms",
    "cache-max-size": "500k",
    "cache-max-file": "10",
  };
  const id = start(engine, flagsOf("fluentd", options), [
    "sh",
    "-c",
    `echo 0; while [ ! -e /go ]; do usleep 10000; done; ${lines(20_000)[2]}`,
  ]);
  await eventually("the first line", () => numbersOf(first).length === 1);
  await first.kill();
  execute(engine, id, "touch /go");
  const folder = join(engine.dataRoot, "containers", id);
  const waiting = (): number =>
    readdirSync(folder)
      .filter((name) => name.startsWith("container-cached.log"))
      .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  await eventually("two full files", () => waiting() > 950_000, 30);
  await delay(1000);
  expect(waiting()).toBeLessThanOrEqual(1_000_000);
  expect(await isRunning(id)).toBe(true);
  using second = await LogServer.start(engine, file, "fluentd", where, "ack");
  must(engine, ["wait", id]);
  await eventually("the last line", () => numbersOf(second).at(-1) === 20_000, 30);
  expectWhole(numbersOf(second).slice(numbersOf(second).indexOf(1)), 20_000);
}, 90_000);

test("blocking: a server that hangs and then dies has lost nothing that it had not acknowledged", async () => {
  const where = join(scratch, "hanging.sock");
  const file = fresh();
  using first = await LogServer.start(engine, file, "fluentd", where, "ack");
  const options = { "fluentd-address": `unix://${where}`, "fluentd-request-ack": "true", ...small };
  const id = start(engine, flagsOf("fluentd", options), lines(40_000));
  await eventually("some lines", () => numbersOf(first).length > 100);
  first.stall();
  await delay(1000);
  expect(await isRunning(id)).toBe(true);
  // It can be stopped all the same.
  const begun = performance.now();
  must(engine, ["kill", id]);
  must(engine, ["wait", id]);
  expect(performance.now() - begun).toBeLessThan(5000);
  await first.kill();
  using second = await LogServer.start(engine, file, "fluentd", where, "ack");
  const written = must(engine, ["logs", "--tail", "1", id]);
  await eventually("the last line", () => numbersOf(second).at(-1) === numberOf(written), 30);
  expectWhole(numbersOf(second), numberOf(written));
}, 90_000);

test("blocking: an engine that is killed while lines are sent goes on where it was", async () => {
  const where = join(scratch, "killed.sock");
  const file = fresh();
  using server = await LogServer.start(engine, file, "fluentd", where, "ack");
  const options = { "fluentd-address": `unix://${where}`, ...small };
  const script = `p=${"x".repeat(80)}; for i in $(seq 0 59); do seq $((i*1000+1)) $((i*1000+1000)) | sed "s/$/ $p/"; usleep 50000; done`;
  const id = start(engine, flagsOf("fluentd", options), ["sh", "-c", script]);
  for (const wanted of [2000, 12_000, 25_000]) {
    await eventually(`${wanted} lines`, () => numbersOf(server).length > wanted, 30);
    await engine.kill();
    await engine.resume();
  }
  must(engine, ["wait", id]);
  await eventually("the last line", () => numbersOf(server).at(-1) === 60_000, 30);
  const again = expectWhole(numbersOf(server), 60_000);
  console.log(`${again} lines came twice`);
  // 100 ms at most are forgotten at each kill.
  expect(again).toBeLessThan(20_000);
  // What an engine finds when it starts after the exit is sent as well.
  const late = start(engine, flagsOf("fluentd", { ...options, tag: "late" }), ["echo", "1 late"]);
  await engine.kill();
  await delay(500);
  await engine.resume();
  await eventually("the late line", () => server.got<FluentdMessage>().some(([tag]) => tag === "late"));
  must(engine, ["rm", late]);
}, 120_000);

test("non-blocking: the container never waits; what is new arrives, what was left out is counted", async () => {
  const where = join(scratch, "slow.sock");
  const file = fresh();
  using first = await LogServer.start(engine, file, "fluentd", where, "ack");
  const options = {
    "fluentd-address": `unix://${where}`,
    "fluentd-retry-wait": "200ms",
    mode: "non-blocking",
    "max-buffer-size": "300k",
    ...small,
  };
  const id = start(engine, flagsOf("fluentd", options), [
    "sh",
    "-c",
    `p=${"x".repeat(80)}; echo 1; sleep 1; seq 2 40000 | sed "s/$/ $p/"`,
  ]);
  await eventually("the first line", () => numbersOf(first).length === 1);
  first.stall();
  await eventually("the container ends", async () => !(await isRunning(id)), 15);
  await first.kill();
  using second = await LogServer.start(engine, file, "fluentd", where, "ack");
  await eventually("the last line", () => numbersOf(second).at(-1) === 40_000, 30);
  const numbers = numbersOf(second);
  expect(numbers.length).toBeLessThan(10_000);
  expect([...numbers].toSorted((a, b) => a - b)).toEqual(numbers);
  // One file or more was rotated away before anybody could count it.
  const leftOut = await eventually("it is told", () => {
    const told = [...engine.log().matchAll(/(\d+) lines of the log of container/g)];
    const sum = told.reduce((all, [, lost]) => all + Number(lost), 0);
    return sum > 1000 && sum;
  });
  expect(leftOut).toBeLessThanOrEqual(40_000 - numbers.length + 3000);
}, 90_000);

test("a server that goes for a while: syslog by TCP", async () => {
  const port = 1601;
  const file = fresh();
  using first = await LogServer.start(engine, file, "stream", port);
  const options = { "syslog-address": `tcp://127.0.0.1:${port}` };
  const script = "for i in $(seq 1 400); do echo $i; usleep 10000; done";
  const id = start(engine, flagsOf("syslog", options), ["sh", "-c", script]);
  await eventually("some lines", () => first.got().length > 50);
  await first.kill();
  await delay(1500);
  using second = await LogServer.start(engine, file, "stream", port);
  must(engine, ["wait", id]);
  const numbers = (): number[] => second.got<string>().map((text) => Number(text.split("]: ")[1]));
  await eventually("the last line", () => numbers().at(-1) === 400, 30);
  expect(expectWhole(numbers(), 400)).toBeLessThan(250);
}, 60_000);

test("fluentd-async starts a container without a server; a bound of tries gives lines up and says so", async () => {
  const where = join(scratch, "nobody.sock");
  const options = {
    "fluentd-address": `unix://${where}`,
    "fluentd-async": "true",
    "fluentd-max-retries": "1",
    "fluentd-retry-wait": "100ms",
  };
  const id = start(engine, flagsOf("fluentd", options), ["echo", "1 lost"]);
  must(engine, ["wait", id]);
  await eventually("it is told", () => engine.log().includes(`1 lines of the log of container ${id}`));
  using server = await LogServer.start(engine, fresh(), "fluentd", where, "ack");
  must(engine, ["start", id]);
  await eventually("a line", () => numbersOf(server).length === 1);
  expect(command(engine, ["logs", id]).stdout).toBe("1 lost\n1 lost\n");
}, 30_000);

/** Works with an engine of its own, whose containers' folder is on a disk of 1 MB. */
async function onSmallDisk(work: (engine: TestEngine, folder: string) => Promise<void>): Promise<void> {
  await using own = await TestEngine.startWithMounts();
  await importBusybox(own);
  const folder = join(own.dataRoot, "containers");
  expect(own.runInside("mount", ["-t", "tmpfs", "-o", "size=1m", "none", folder]).code).toBe(0);
  try {
    await work(own, folder);
  } finally {
    await removeAll(own);
    own.runInside("umount", ["-l", folder]);
  }
}

test("a full disk: a container that doesn't wait goes on without its log", async () => {
  await onSmallDisk(async (own) => {
    const begun = performance.now();
    const id = start(own, ["--log-opt=mode=non-blocking"], lines(30_000));
    must(own, ["wait", id]);
    expect(performance.now() - begun).toBeLessThan(6000 * patience);
    const kept = must(own, ["logs", id]).split("\n").map(numberOf);
    expect(kept.length).toBeGreaterThan(1000);
    expect(kept.length).toBeLessThan(30_000);
    kept.forEach((number, i) => expect(number).toBe(i + 1));
  });
}, 90_000);

// These two do nothing but wait.
test.concurrent(
  "a full disk: a container waits for a while, and goes on without its log",
  async () => {
    await onSmallDisk(async (own) => {
      const id = start(own, [], lines(30_000));
      await delay(3000);
      expect(await isRunning(id, own)).toBe(true);
      await eventually("it goes on without its log", async () => !(await isRunning(id, own)), 20);
    });
  },
  90_000,
);

test.concurrent(
  "a full disk with a server to be told: the container waits for room, nothing is lost",
  async () => {
    await onSmallDisk(async (own, folder) => {
      const where = join(own.directory, "full.sock");
      using server = await LogServer.start(own, join(own.directory, "got"), "fluentd", where, "ack");
      const options = {
        "fluentd-address": `unix://${where}`,
        "cache-max-size": "300k",
        "cache-max-file": "3",
      };
      const fill = (size: string): number | null =>
        own.runInside("sh", ["-c", `head -c ${size} /dev/zero > ${folder}/filler`]).code;
      fill("500k");
      const id = start(own, flagsOf("fluentd", options), lines(20_000));
      await delay(13_000);
      expect(await isRunning(id, own)).toBe(true);
      own.runInside("rm", [`${folder}/filler`]);
      await eventually("its end", async () => !(await isRunning(id, own)), 30);
      await eventually("the last line", () => numbersOf(server).at(-1) === 20_000, 30);
      expectWhole(numbersOf(server), 20_000);
    });
  },
  90_000,
);
