/**
 * What a network adds to a container's life: none, the bridge, a published port, a network with names.
 * @module
 */
import { ApiConnection } from "./api.ts";
import {
  peerEnvironment,
  peerProgram,
  startCaisson,
  startDockerd,
  startEngines,
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
  type Goal,
  type Report,
} from "./harness.ts";
import { createBody, type ContainerRequest } from "./network-lab.ts";
import { stopwatch } from "./native-tools.ts";
import type { Scratch } from "./scratch.ts";
import { duration, type Summary } from "./statistics.ts";

const command = ["true"];
const kinds: Readonly<Record<string, ContainerRequest>> = {
  "no network": { network: "none", command },
  bridge: { network: "bridge", command },
  "bridge and a published port": { network: "bridge", command, publish: [[8080, 80]] },
  "network with names": { network: "bench", command },
};
const published = "bridge and a published port";

/** Measures starts on networks. */
export default async function networkStart(bench: Bench): Promise<Report> {
  const { scratch, quick } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  for (const { socket } of running.values()) {
    using api = new ApiConnection(socket);
    await api.call("POST", "/v1.44/networks/create", { Name: "bench" });
  }
  const outcome = await alternate(
    bench,
    [...running.values()].flatMap((engine) => [
      ...throughApi(scratch, engine),
      throughDocker(scratch, engine),
    ]),
    quick ? 5 : 12,
  );
  return {
    title: "Networks: `true` in a container, create to removal",
    columns: timingColumns,
    rows: timingRows(outcome.summaries),
    goals: goals(outcome.summaries),
    notes: [
      "API: create, start, wait and remove over one connection; `docker run --rm -p 8080:80` by docker's command line.",
      ...notes,
      ...outcome.notes,
    ],
  };
}

const apiName = (engine: string, kind: string): string => `API, ${engine}, ${kind}`;
const dockerName = (engine: string): string => `docker run -p → ${engine}`;

function goals(summaries: ReadonlyMap<string, Summary>): Goal[] {
  const median = (kind: string): number => summaries.get(apiName("caisson", kind))?.median ?? Number.NaN;
  const vs = (text: string, kind: string, limit: number): Goal =>
    ratioGoal(text, summaries, apiName("caisson", kind), apiName("dockerd", kind), limit);
  return [
    {
      text: "API, what the bridge adds to a container without a network",
      value: median("bridge") - median("no network"),
      limit: 4000,
      show: duration,
    },
    vs("API with a published port, caisson / dockerd", published, 1 / 15),
    ratioGoal(
      "docker run -p, caisson / dockerd",
      summaries,
      dockerName("caisson"),
      dockerName("dockerd"),
      1 / 5,
    ),
  ];
}

function throughApi(scratch: Scratch, { name, socket }: RunningEngine): Contestant[] {
  const api = new ApiConnection(socket);
  scratch.atEnd(async () => api[Symbol.dispose]());
  const count = name === "dockerd" ? 1 : 6;
  return Object.entries(kinds).map(([kind, request]) =>
    contestant(apiName(name, kind), async () => {
      const samples: number[] = [];
      while (samples.length < count) samples.push(await runOne(api, createBody(request)));
      return samples;
    }),
  );
}

/** One container from its creation to its removal, in microseconds. */
async function runOne(api: ApiConnection, body: object): Promise<number> {
  const began = performance.now();
  const { Id } = (await api.call("POST", "/v1.44/containers/create", body)) as { readonly Id: string };
  await api.call("POST", `/v1.44/containers/${Id}/start`);
  await api.call("POST", `/v1.44/containers/${Id}/wait`);
  await api.call("DELETE", `/v1.44/containers/${Id}`);
  return (performance.now() - began) * 1000;
}

function throughDocker(scratch: Scratch, { name, socket }: RunningEngine): Contestant {
  const run = ["-H", `unix://${socket}`, "run", "--rm", "-p", "8080:80", "busybox", "true"];
  return contestant(dockerName(name), () =>
    stopwatch(scratch, name === "dockerd" ? 1 : 3, [peerProgram("docker"), ...run], peerEnvironment()),
  );
}
