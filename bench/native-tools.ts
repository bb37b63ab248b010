/**
 * The benchmark's own C programs, built on first use: the kernel's floor and the stopwatch.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { output, type Scratch } from "./scratch.ts";

/** Path of a program of this folder, compiled with `gcc -O2 -static`. */
export async function nativeTool(scratch: Scratch, name: "floor" | "stopwatch"): Promise<string> {
  const built = join(scratch.folder, name);
  if (!existsSync(built))
    await output(["gcc", "-O2", "-static", "-o", built, join(import.meta.dir, `${name}.c`)]);
  return built;
}

/** Runs a command so often, one after the other; the microseconds of each. */
export async function stopwatch(
  scratch: Scratch,
  count: number,
  command: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<number[]> {
  const program = await nativeTool(scratch, "stopwatch");
  const said = await output([program, String(count), ...command], env === undefined ? {} : { env });
  return said.trim().split("\n").map(Number);
}
