/**
 * Statistics of containers: what the kernel counts, in Docker's fields, for as long as somebody reads.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { request } from "node:http";
import { command, execute, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

interface Stats {
  readonly name?: string;
  readonly read: string;
  readonly preread: string;
  readonly pids_stats: { readonly current?: number; readonly limit?: number };
  readonly cpu_stats: {
    readonly cpu_usage: { readonly total_usage: number };
    readonly system_cpu_usage?: number;
    readonly online_cpus?: number;
  };
  readonly precpu_stats: Stats["cpu_stats"];
  readonly memory_stats: { readonly usage?: number; readonly limit?: number };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
}

async function once(name: string, query = "stream=0"): Promise<Stats> {
  const answer = await engine.request("GET", `/containers/${name}/stats?${query}`);
  expect(answer.status).toBe(200);
  return answer.json<Stats>();
}

/** Reads a stream line by line; resolves when it ends, or after `most` lines. */
function follow(name: string, most: number, each: (line: Stats, count: number) => void): Promise<Stats[]> {
  return new Promise((resolve, reject) => {
    const lines: Stats[] = [];
    const outgoing = request(
      { socketPath: engine.socket, path: `/containers/${name}/stats`, agent: false },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
          for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
            lines.push(JSON.parse(text.slice(0, end)) as Stats);
            text = text.slice(end + 1);
            each(lines.at(-1) as Stats, lines.length);
            if (lines.length === most) {
              outgoing.destroy();
              resolve(lines);
            }
          }
        });
        response.on("end", () => resolve(lines));
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

const never = "0001-01-01T00:00:00Z";

test("limits, memory, processes and what went through its interface, seen from inside", async () => {
  start(engine, ["--name=limited", "--net=bridge", "--memory=64m", "--pids-limit=20"]);
  const counters = (): number[] =>
    ["rx_bytes", "tx_bytes"].map((file) =>
      Number(execute(engine, "limited", `cat /sys/class/net/eth0/statistics/${file}`)),
    );
  execute(engine, "limited", "ping -c 3 -i 0.1 $(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p')");
  const [rx = 0, tx = 0] = counters();
  const stats = await once("limited");
  expect(stats.name).toBe("/limited");
  expect(stats.memory_stats.limit).toBe(64 << 20);
  expect(stats.memory_stats.usage).toBeGreaterThan(0);
  expect(stats.pids_stats).toEqual({ current: 1, limit: 20 });
  expect(stats.networks?.["eth0"]?.rx_bytes).toBeGreaterThanOrEqual(rx);
  expect(stats.networks?.["eth0"]?.tx_bytes).toBeGreaterThanOrEqual(tx);
  expect(tx).toBeGreaterThan(200);
  await removeAll(engine);
});

test("two looks a second apart; one shot has nothing to compare with", async () => {
  start(engine, ["--name=spinning"], ["sh", "-c", "while :; do :; done"]);
  const stats = await once("spinning");
  const used = stats.cpu_stats.cpu_usage.total_usage - stats.precpu_stats.cpu_usage.total_usage;
  const passed = (stats.cpu_stats.system_cpu_usage ?? 0) - (stats.precpu_stats.system_cpu_usage ?? 0);
  const busy = (used / passed) * (stats.cpu_stats.online_cpus ?? 0);
  expect(busy).toBeGreaterThan(0.1);
  expect(busy).toBeLessThan(1.2);
  const apart = Date.parse(stats.read) - Date.parse(stats.preread);
  expect(apart).toBeGreaterThan(800);
  const shot = await once("spinning", "stream=0&one-shot=1");
  expect(shot.preread).toBe(never);
  expect(shot).not.toHaveProperty("name");
  expect(shot.precpu_stats.cpu_usage.total_usage).toBe(0);
  const both = await engine.request("GET", "/containers/spinning/stats?one-shot=1");
  expect([both.status, both.json<object>()]).toEqual([
    400,
    { message: "cannot have stream=true and one-shot=true" },
  ]);
  await removeAll(engine);
});

test("a stream goes on with zeros when the container stops, and ends when it is removed", async () => {
  start(engine, ["--name=ending"]);
  const lines = await follow("ending", 10, (_, count) => {
    if (count === 2) void engine.request("POST", "/containers/ending/stop?t=0");
    if (count === 4) void engine.request("DELETE", "/containers/ending");
  });
  expect(lines.length).toBeLessThan(7);
  expect(lines[0]?.preread).toBe(never);
  expect(lines[1]?.preread).toBe(lines[0]?.read as string);
  expect(lines[1]?.memory_stats.usage).toBeGreaterThan(0);
  expect(lines.at(-1)).toMatchObject({ name: "/ending", read: never, memory_stats: {}, pids_stats: {} });
});

test("a container that never ran answers zeros at once", async () => {
  must(engine, ["create", "--name=idle", "--net=none", "busybox"]);
  const times: number[] = [];
  for (let n = 0; n < 3; n++) {
    const began = performance.now();
    expect(await once("idle")).toMatchObject({ name: "/idle", read: never, memory_stats: {} });
    times.push(performance.now() - began);
  }
  // A second look would come a second later.
  expect(Math.min(...times)).toBeLessThan(900);
  await removeAll(engine);
});

test("networks: of another container, and none of the host's", async () => {
  start(engine, ["--name=owner", "--net=bridge"]);
  start(engine, ["--name=guest", "--net=container:owner"]);
  start(engine, ["--name=hosted", "--net=host"]);
  const query = "stream=0&one-shot=1";
  expect(Object.keys((await once("guest", query)).networks ?? {})).toEqual(["eth0"]);
  expect(await once("hosted", query)).not.toHaveProperty("networks");
  await removeAll(engine);
});

test("docker stats and caisson stats print the same", async () => {
  start(engine, ["--name=shown", "--memory=64m"]);
  must(engine, ["create", "--name=still", "--net=none", "busybox"]);
  const args = ["stats", "--no-stream", "-a", "--format", "{{.Name}} {{.PIDs}} {{.MemPerc}} {{.NetIO}}"];
  const shown = (text: string): string[] =>
    text
      .trim()
      .split("\n")
      .toSorted()
      .map((line) => line.replace(/[\d.]+%/, "N%"));
  const lines = ["shown 1 N% 0B / 0B", "still 0 N% 0B / 0B"];
  expect(shown(must(engine, args))).toEqual(lines);
  expect(shown(engine.caisson(args).stdout)).toEqual(lines);
  const wrong = ["stats", "--no-stream", "nobody", "shown"];
  expect(engine.caisson(wrong)).toEqual(command(engine, wrong));
  await removeAll(engine);
});
