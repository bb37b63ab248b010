/**
 * How images come in: pulled from a registry, imported from an archive, beside dockerd and plain tar.
 * @module
 */
import { rmSync } from "node:fs";
import {
  docker,
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
  ratio,
  timingColumns,
  timingRows,
  type Bench,
  type Contestant,
  type Report,
} from "./harness.ts";
import { stopwatch } from "./native-tools.ts";
import { archiveFile, files, layers, pushImage, startRegistry } from "./registry.ts";
import type { Scratch } from "./scratch.ts";
import type { Summary } from "./statistics.ts";

const reference = "127.0.0.1:5000/bench:latest";

/** Measures pull and import. */
export default async function pull(bench: Bench): Promise<Report> {
  const { scratch, quick } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson", ["--insecure-registry", "127.0.0.0/8"])],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  const contestants: Contestant[] = [tarContestant(scratch)];
  let pushed = false;
  for (const engine of running.values()) {
    contestants.push(importContestant(scratch, engine));
    try {
      await startRegistry(scratch, engine);
      if (!pushed) await pushImage(scratch, engine, reference);
      pushed = true;
      contestants.push(pullContestant(scratch, engine));
    } catch (error) {
      notes.push(`pull by ${engine.name} is missing: ${String(error)}`);
    }
  }
  const outcome = await alternate(bench, contestants, quick ? 2 : 3);
  const { summaries } = outcome;
  return {
    title: "Images: pull and import",
    columns: timingColumns,
    rows: timingRows(summaries),
    goals: [],
    notes: [
      `Pull: busybox and ${layers} layers of ${files} files each, gzip, from docker-registry on the loopback interface, by ` +
        "docker's command line. Import: the files of one layer and busybox, not compressed; tar: the same by `tar -x` into a " +
        "fresh folder.",
      ...ratioNote("pull", summaries),
      ...ratioNote("import", summaries),
      ...notes,
      ...outcome.notes,
    ],
  };
}

/** How we compare with dockerd. There is no goal for it. */
function ratioNote(what: string, summaries: ReadonlyMap<string, Summary>): string[] {
  const [ours, theirs] = [summaries.get(`${what}, caisson`), summaries.get(`${what}, dockerd`)];
  if (ours === undefined || theirs === undefined) return [];
  return [`${what}, caisson / dockerd: ${ratio(ours.median / theirs.median)}.`];
}

function tarContestant(scratch: Scratch): Contestant {
  return contestant("tar -x", async () => {
    const [archive, into] = [await archiveFile(scratch), scratch.make("untarred")];
    const samples = await stopwatch(scratch, 1, ["tar", "-C", into, "-xf", archive]);
    rmSync(into, { recursive: true });
    return samples;
  });
}

function importContestant(scratch: Scratch, { name, socket }: RunningEngine): Contestant {
  return contestant(`import, ${name}`, async () => {
    const archive = await archiveFile(scratch);
    const command = [peerProgram("docker"), "-H", `unix://${socket}`, "import", archive, "imported:latest"];
    const samples = await stopwatch(scratch, 1, command, peerEnvironment());
    await docker(socket, ["rmi", "imported:latest"]);
    return samples;
  });
}

function pullContestant(scratch: Scratch, { name, socket }: RunningEngine): Contestant {
  return contestant(`pull, ${name}`, async () => {
    const command = [peerProgram("docker"), "-H", `unix://${socket}`, "pull", "-q", reference];
    const samples = await stopwatch(scratch, 1, command, peerEnvironment());
    await docker(socket, ["rmi", reference]);
    return samples;
  });
}
