/**
 * How long `true` takes in a container that runs.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../src/errors/mod.ts";
import { ApiConnection } from "./api.ts";
import {
  caisson,
  peerEnvironment,
  peerProgram,
  startCaisson,
  startDockerd,
  startEngines,
  startInstantDaemon,
  type RunningEngine,
} from "./engines.ts";
import {
  alternate,
  contestant,
  ratioGoal,
  timingColumns,
  timingRows,
  type Bench,
  type Contestant,
  type Report,
} from "./harness.ts";
import { stopwatch } from "./native-tools.ts";
import type { Scratch } from "./scratch.ts";

/** Measures execs. */
export default async function exec(bench: Bench): Promise<Report> {
  const { scratch, quick } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
    ["an instant daemon", () => startInstantDaemon(scratch)],
  ]);
  const contestants: Contestant[] = [];
  for (const engine of running.values()) contestants.push(...(await contestantsOf(scratch, engine)));
  const outcome = await alternate(bench, contestants, quick ? 3 : 10);
  const { summaries } = outcome;
  return {
    title: "Exec: `true` in a running container",
    columns: timingColumns,
    rows: timingRows(summaries),
    goals: [
      ratioGoal("API exec, caisson / dockerd", summaries, "API, caisson", "API, dockerd", 1 / 10),
      ratioGoal(
        "docker exec → caisson / → dockerd",
        summaries,
        "docker exec → caisson",
        "docker exec → dockerd",
        0.6,
      ),
    ],
    notes: [
      "API: create, start with its output read to the end, inspect until it says that it ended.",
      ...notes,
      ...outcome.notes,
    ],
  };
}

async function contestantsOf(scratch: Scratch, engine: RunningEngine): Promise<Contestant[]> {
  const { name, socket } = engine;
  using api = new ApiConnection(socket);
  const id = name === "instant" ? "0".repeat(64) : await api.idle();
  const commandLine = (program: () => string, label: string): Contestant =>
    contestant(`${label} → ${name}`, () =>
      stopwatch(scratch, 3, [program(), "exec", id, "true"], {
        ...peerEnvironment(),
        DOCKER_HOST: `unix://${socket}`,
      }),
    );
  const docker = commandLine(() => peerProgram("docker"), "docker exec");
  if (name === "instant") return [docker];
  const both = [contestant(`API, ${name}`, () => execs(socket, id, 5)), docker];
  return name === "caisson" ? [...both, commandLine(() => caisson, "caisson exec")] : both;
}

/** Execs over the API, one after the other; microseconds of each. */
async function execs(socket: string, container: string, count: number): Promise<number[]> {
  const samples: number[] = [];
  using api = new ApiConnection(socket);
  for (let left = count; left > 0; left--) {
    const begin = performance.now();
    const { Id } = (await api.call("POST", `/v1.40/containers/${container}/exec`, {
      AttachStdout: true,
      AttachStderr: true,
      Cmd: ["true"],
    })) as { readonly Id: string };
    await api.call("POST", `/v1.40/exec/${Id}/start`, { Detach: false, Tty: false });
    let state: { readonly Running: boolean; readonly ExitCode: number | null };
    for (;;) {
      state = (await api.call("GET", `/v1.40/exec/${Id}/json`)) as typeof state;
      if (!state.Running) break;
      await sleep(1);
    }
    if (state.ExitCode !== 0) throw failure("internal", { message: `true ended with ${state.ExitCode}` });
    samples.push((performance.now() - begin) * 1000);
  }
  return samples;
}
