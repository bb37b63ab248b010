/**
 * How long a container takes that runs `true` without a network, from the kernel's floor up to the command lines.
 * @module
 */
import { join } from "node:path";
import { podmanContestant, runtimeContestant } from "./bundle.ts";
import { Conversation } from "./converse.ts";
import {
  caisson,
  peerEnvironment,
  peerProgram,
  sharedTools,
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
  type Goal,
  type Report,
} from "./harness.ts";
import { imageTar, rootFileSystem } from "./image.ts";
import { nativeTool, stopwatch } from "./native-tools.ts";
import { output, type Scratch } from "./scratch.ts";
import type { Summary } from "./statistics.ts";

const run = ["run", "--rm", "--net=none", "busybox", "true"];

const floorUser = "floor, user namespace";
const floorFull = "floor, user namespace and cgroups";
const processExit = "caisson in-process, start to exit";
const processWhole = "caisson in-process, create+start+wait+remove";

/** Measures starts. */
export default async function start(bench: Bench): Promise<Report> {
  const { scratch, quick } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["caisson --userns=host", () => startCaisson(scratch, "caisson --userns=host", ["--userns=host"])],
    ["dockerd", () => startDockerd(scratch)],
    ["an instant daemon", () => startInstantDaemon(scratch)],
  ]);
  const outcome = await alternate(
    bench,
    [
      ...floors(scratch),
      inProcess(scratch, "auto", [processWhole, processExit]),
      inProcess(scratch, "host", [`${processWhole}, --userns=host`, `${processExit}, --userns=host`]),
      ...[...running.values()].flatMap((engine) => api(engine)),
      ...[...running.values()].flatMap((engine) => commandLines(scratch, engine)),
      runtimeContestant(scratch, "runc", 3),
      runtimeContestant(scratch, "crun", 3),
      podmanContestant(scratch, 2),
    ],
    quick ? 3 : 10,
  );
  return {
    title: "Start: `true` in a container without a network",
    columns: timingColumns,
    rows: timingRows(outcome.summaries),
    goals: goals(outcome.summaries),
    notes: [
      "The floor has no seccomp filter, capabilities, masked paths or log; `whole` includes making and removing its " +
        "directories and cgroups. API rows are medians of a few runs by `../shared/tools/api-run`, one sample a turn. " +
        "runc and crun run a bundle without overlay and seccomp filter.",
      ...notes,
      ...outcome.notes,
    ],
  };
}

function goals(summaries: ReadonlyMap<string, Summary>): Goal[] {
  return [
    ratioGoal(
      "in-process start to exit / the same container's floor",
      summaries,
      processExit,
      floorFull,
      2.5,
    ),
    ratioGoal("in-process start to exit / its floor without cgroups", summaries, processExit, floorUser, 2.5),
    ratioGoal(
      "in-process create to removal / the same container's whole floor",
      summaries,
      processWhole,
      `${floorFull}, whole`,
      2.5,
    ),
    ratioGoal("API, caisson / dockerd", summaries, "API, caisson", "API, dockerd", 1 / 20),
    ratioGoal(
      "docker CLI → caisson / → dockerd",
      summaries,
      "docker run → caisson",
      "docker run → dockerd",
      1 / 4,
    ),
    ratioGoal(
      "caisson run / docker CLI → dockerd",
      summaries,
      "caisson run → caisson",
      "docker run → dockerd",
      1 / 10,
    ),
    ratioGoal("API, user namespaces on / off", summaries, "API, caisson", "API, caisson --userns=host", 1.3),
    ratioGoal(
      "in-process start to exit, user namespaces on / off",
      summaries,
      processExit,
      `${processExit}, --userns=host`,
      1.3,
    ),
  ];
}

/** The bare C loop, with and without what an engine may leave out. */
function floors(scratch: Scratch): Contestant[] {
  const variant = (name: string, flags: readonly string[]): Contestant => ({
    names: [name, `${name}, whole`],
    samples: async () => {
      const floor = await nativeTool(scratch, "floor");
      const [root, folder] = [await rootFileSystem(scratch), scratch.make("floor.data")];
      return pairs(await output(["unshare", "--net", floor, ...flags, "10", root, folder]));
    },
  });
  const cgroups = ["-c", `${scratch.name}-floor`];
  return [
    variant("floor", []),
    variant(floorUser, ["-u"]),
    variant("floor, cgroups", cgroups),
    variant(floorFull, ["-u", ...cgroups]),
  ];
}

/** Lines of two numbers as two lists. */
function pairs(text: string): [number[], number[]] {
  const lines = text.trim().split("\n");
  const column = (index: number): number[] => lines.map((line) => Number(line.split(" ")[index]));
  return [column(0), column(1)];
}

function inProcess(scratch: Scratch, userns: "auto" | "host", names: readonly string[]): Contestant {
  let opened: Promise<Conversation> | undefined;
  const open = async (): Promise<Conversation> => {
    const script = join(import.meta.dir, "in-process.ts");
    const root = scratch.make(`in-process.${userns}`);
    const tar = await imageTar(scratch);
    const conversation = new Conversation(scratch, [
      process.execPath,
      script,
      root,
      tar,
      `/${scratch.name}`,
      userns,
    ]);
    await conversation.hear();
    return conversation;
  };
  return {
    names,
    samples: async () => {
      opened ??= open();
      const samples = JSON.parse(await (await opened).ask("10")) as readonly (readonly [number, number])[];
      return [samples.map(([whole]) => whole), samples.map(([, exit]) => exit)];
    },
  };
}

/** Create, start, wait and remove over one connection. */
function api({ name, socket }: RunningEngine): Contestant[] {
  if (name === "instant") return [];
  const tool = join(sharedTools, "api-run");
  const count = name === "dockerd" ? "3" : "10";
  return [contestant(`API, ${name}`, async () => [Number(await output([tool, socket, count]))])];
}

function commandLines(scratch: Scratch, { name, socket }: RunningEngine): Contestant[] {
  const host = `unix://${socket}`;
  const docker = contestant(`docker run → ${name}`, () =>
    stopwatch(scratch, 2, [peerProgram("docker"), "-H", host, ...run], peerEnvironment()),
  );
  if (name !== "caisson") return [docker];
  const ours = contestant(`caisson run → ${name}`, () =>
    stopwatch(scratch, 4, [caisson, ...run], { ...peerEnvironment(), DOCKER_HOST: host }),
  );
  return [docker, ours];
}
