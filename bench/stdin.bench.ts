/**
 * Input through `docker run -i IMAGE cat` and back: whether it comes back whole, how fast, and in how much memory.
 * @module
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiConnection } from "./api.ts";
import {
  peerEnvironment,
  peerProgram,
  startCaisson,
  startDockerd,
  startEngines,
  type RunningEngine,
} from "./engines.ts";
import type { Bench, Goal, Report, Row } from "./harness.ts";
import { memoryOf, parentOf, peakOf, resetPeak } from "./process-memory.ts";
import { output } from "./scratch.ts";
import { bytes, digits } from "./statistics.ts";

const piece = 32 << 20;

interface Passage {
  readonly whole: boolean;
  readonly seconds: number;
  readonly engineBefore: number;
  readonly enginePeak: number;
  readonly shimPeak: number;
}

/** Measures stdin. */
export default async function stdin(bench: Bench): Promise<Report> {
  const { scratch, quick, say } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  const file = join(scratch.folder, "piece");
  writeFileSync(file, randomBytes(piece));
  const rows: Row[] = [];
  const goals: Goal[] = running.has("caisson") ? [] : [wholeGoal("stdin", undefined)];
  for (const driver of ["json-file", "none"]) {
    for (const engine of running.values()) {
      const size = quick || engine.name === "dockerd" ? 256 << 20 : 1 << 30;
      const feed = `for i in $(seq ${size / piece}); do cat ${file}; done`;
      const { whole, seconds, engineBefore, enginePeak, shimPeak } = await pass(engine, driver, feed);
      say(`${engine.name}, log driver ${driver}: ${bytes(size)} in ${seconds.toFixed(1)} s`);
      const cells = [
        bytes(size),
        whole ? "yes" : "**no**",
        `${digits(size / (1 << 20) / seconds)} MiB/s`,
        ...[engineBefore, enginePeak, shimPeak].map(bytes),
      ];
      rows.push({ name: `${engine.name}, log driver ${driver}`, cells });
      if (engine.name === "caisson") goals.push(wholeGoal(`${bytes(size)}, log driver ${driver}`, whole));
    }
  }
  return {
    title: "Stdin: `docker run -i IMAGE cat`",
    columns: ["size", "came back whole", "speed", "daemon before", "daemon's peak", "shim's peak"],
    rows,
    goals,
    notes: [
      "The speed includes docker's command line, the start and a SHA-256 of what comes back; memory is RSS.",
      ...notes,
    ],
  };
}

function wholeGoal(what: string, whole: boolean | undefined): Goal {
  const value = whole === undefined ? Number.NaN : Number(!whole);
  const show = (damage: number): string => (damage === 0 ? "whole" : "damaged");
  return { text: `what comes back of ${what}`, value, limit: 0, show };
}

async function pass({ socket, pid }: RunningEngine, driver: string, feed: string): Promise<Passage> {
  const engineBefore = memoryOf(pid).rss;
  resetPeak(pid);
  const cat = `${peerProgram("docker")} -H unix://${socket} run -i --rm --net=none --log-driver=${driver} --name stdin busybox cat`;
  const expected = await output(["bash", "-c", `(${feed}) | sha256sum`]);
  const began = performance.now();
  const result = output(["bash", "-o", "pipefail", "-c", `(${feed}) | ${cat} | sha256sum`], {
    env: peerEnvironment(),
  });
  const over = result.then(
    () => true,
    () => true,
  );
  let shimPeak = 0;
  let shim = 0;
  while (!(await Promise.race([over, sleep(100, false)]))) {
    try {
      if (shim === 0) shim = await shimOf(socket);
      shimPeak = Math.max(shimPeak, peakOf(shim));
    } catch {
      // It hasn't started yet, or it has ended.
    }
  }
  const seconds = (performance.now() - began) / 1000;
  const whole = (await result) === expected;
  return { whole, seconds, engineBefore, enginePeak: peakOf(pid), shimPeak };
}

async function shimOf(socket: string): Promise<number> {
  using api = new ApiConnection(socket);
  const pid = await api.pid("stdin");
  return pid === 0 ? 0 : parentOf(pid);
}
