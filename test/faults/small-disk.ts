/**
 * Engines whose folders are small file systems of their own, which a test fills.
 * @module
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

/** How the kernel refuses what there is no room for. */
export const noSpace = "no space left on device";

/** What a disk can run out of, with the options of a tmpfs that has little of it. */
export const kinds = [
  ["space", "size=48m"],
  ["inodes", "nr_inodes=2000"],
] as const;

/** An engine, with busybox, whose folder `place` is a tmpfs with these options. */
export async function engineOn(place: "dataRoot" | "execRoot", options: string): Promise<TestEngine> {
  const engine = await TestEngine.startWithMounts();
  await engine.stop();
  mkdirSync(engine[place], { recursive: true });
  const { code, stderr } = engine.runInside("mount", ["-t", "tmpfs", "-o", options, "tmpfs", engine[place]]);
  if (code !== 0) throw new Error(stderr);
  await engine.resume();
  await importBusybox(engine);
  return engine;
}

/** Names of all files in one of the engine's folders. */
export const filesIn = (engine: TestEngine, folder: string, depth: number): string[] =>
  engine
    .runInside("find", [folder, "-mindepth", "1", "-maxdepth", String(depth), "-not", "-name", "fill*"])
    .stdout.split("\n")
    .filter((path) => path !== "")
    .toSorted();

/** All room of a file system, taken. */
export interface Filled {
  /** Gives it back. */
  release(): void;
  /** Takes what has become free since. */
  again(): void;
}

/** Takes all room below `root` but `left`: bytes, or inodes. */
export function fill(engine: TestEngine, kind: "space" | "inodes", root: string, left = 0): Filled {
  const place = join(root, "fill");
  // What is to be left is taken first and given back at last.
  const scripts = {
    space: `[ $2 = 0 ] || head -c $2 /dev/zero >${place}.spare
dd if=/dev/zero bs=4k 2>/dev/null >>${place}.$1; rm -f ${place}.spare`,
    inodes: `mkdir -p ${place}; i=0; while [ $i -lt $2 ] && true >${place}/spare.$i; do i=$((i+1)); done 2>/dev/null
i=0; while true >${place}/$1.$i; do i=$((i+1)); done 2>/dev/null; rm -f ${place}/spare.*`,
  };
  let round = 0;
  const again = (): void =>
    void engine.runInside("sh", ["-c", scripts[kind], "sh", String(round++), String(left)]);
  again();
  return { again, release: () => void engine.runInside("sh", ["-c", `rm -rf ${place}*`]) };
}
