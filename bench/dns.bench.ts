/**
 * How many questions one container's resolver answers.
 * @module
 */
import { join } from "node:path";
import { ApiConnection } from "./api.ts";
import { startCaisson, startDockerd, startEngines, type RunningEngine } from "./engines.ts";
import { failure } from "../src/errors/mod.ts";
import {
  alternate,
  contestant,
  ratioGoal,
  type Bench,
  type Contestant,
  type Goal,
  type Report,
} from "./harness.ts";
import { inNetworkOf, startContainer } from "./network-lab.ts";
import { output } from "./scratch.ts";
import { digits, duration, type Summary } from "./statistics.ts";

const script = join(import.meta.dir, "dns-load.ts");
const resolver = "127.0.0.11";
const nameOf = (engine: string): string => `${engine}, a container's name`;

/** Measures the resolvers. */
export default async function dns(bench: Bench): Promise<Report> {
  const { scratch, quick } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  const contestants: Contestant[] = [];
  for (const engine of running.values()) contestants.push(await asking(engine, quick ? 5000 : 20_000));
  const { summaries, notes: missing } = await alternate(bench, contestants, quick ? 5 : 10);
  return {
    title: "Names: questions to one container's resolver",
    columns: ["questions a second", "for each", "p10", "p90"],
    rows: [...summaries].map(([name, { median, p10, p90 }]) => ({
      name,
      cells: [digits(1e6 / median), duration(median), duration(p10), duration(p90)],
    })),
    goals: goals(summaries),
    notes: [
      "64 questions by UDP for another container's address are on their way at a time, from one process in the " +
        "container's namespace, until all are answered. A lost one fails the engine's measurement.",
      ...notes,
      ...missing,
    ],
  };
}

function goals(summaries: ReadonlyMap<string, Summary>): Goal[] {
  return [
    {
      text: "time for a question, of 5000 a second",
      value: summaries.get(nameOf("caisson"))?.median ?? Number.NaN,
      limit: 200,
      show: duration,
    },
    ratioGoal("time for a question, caisson / dockerd", summaries, nameOf("caisson"), nameOf("dockerd"), 1),
  ];
}

async function asking({ name, socket }: RunningEngine, count: number): Promise<Contestant> {
  using api = new ApiConnection(socket);
  await api.call("POST", "/v1.44/networks/create", { Name: "bench" });
  const asked = await startContainer(api, { network: "bench" });
  const client = await startContainer(api, { network: "bench" });
  const command = [process.execPath, script, resolver, asked.id.slice(0, 12), String(count)];
  return contestant(nameOf(name), async () => {
    const { microseconds, lost } = JSON.parse(await output(inNetworkOf(client.pid, command))) as {
      readonly microseconds: number;
      readonly lost: number;
    };
    if (lost > 0) throw failure("internal", { message: `${lost} of ${count} questions were not answered` });
    return [microseconds / count];
  });
}
