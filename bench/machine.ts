/**
 * Where and of what figures were taken.
 * @module
 */
import { cpus, release, totalmem } from "node:os";
import { caisson, peerEnvironment, peerProgram, repository } from "./engines.ts";
import { output } from "./scratch.ts";
import { bytes } from "./statistics.ts";

/** Facts for a section's head. */
export interface Machine {
  /** `2026-11-24 05:40 UTC`. */
  readonly date: string;
  readonly commit: string;
  readonly hardware: string;
  readonly kernel: string;
  /** Programs with their versions; missing ones are left out. */
  readonly versions: readonly string[];
}

const versions: readonly (readonly [program: string, ...args: string[]])[] = [
  ["dockerd", "--version"],
  ["docker", "--version"],
  ["containerd", "--version"],
  ["runc", "--version"],
  ["crun", "--version"],
];

/** Asks the machine, git and the peers. */
export async function machine(): Promise<Machine> {
  const asked = await Promise.all(
    versions.map(async ([program, ...args]) => {
      try {
        const said = await output([peerProgram(program), ...args], { env: peerEnvironment() });
        return said.split("\n")[0]?.trim() ?? "";
      } catch {
        return "";
      }
    }),
  );
  return {
    date: `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
    commit: await commit(),
    hardware: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${bytes(totalmem())} of memory`,
    kernel: release(),
    versions: [`Bun ${process.versions["bun"] ?? "?"}`, ...asked.filter((line) => line !== "")],
  };
}

async function commit(): Promise<string> {
  try {
    const hash = (await output(["git", "-C", repository, "rev-parse", "--short", "HEAD"])).trim();
    const changed = await output([
      "git",
      "-C",
      repository,
      "status",
      "--porcelain",
      "--untracked-files=no",
      "src",
      "native",
    ]);
    return changed.trim() === "" ? hash : `${hash} with changes`;
  } catch {
    return `unknown, of ${caisson}`;
  }
}
