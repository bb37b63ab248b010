/**
 * Small static C programs that tests run inside of containers and beside them, compiled when
 * they are first used after a change.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadImage } from "./archive.ts";
import type { TestEngine } from "./engine.ts";

const folder = join(import.meta.dir, "../../dist/test-programs");

/** The path of `source` (a C file of test/), compiled. */
export function compiled(source: string): string {
  const name = source.replaceAll("/", "-").replace(/\.c$/, "");
  const built = join(folder, name);
  const from = join(import.meta.dir, "..", source);
  if (existsSync(built) && statSync(built).mtimeMs > statSync(from).mtimeMs) return built;
  mkdirSync(folder, { recursive: true });
  // musl has no kernel headers of its own; they come after its own, as in native/Makefile.
  const headers = [
    "/usr/include",
    `/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`,
  ];
  const { status, stderr } = spawnSync(
    "musl-gcc",
    [
      "-std=c11",
      "-D_GNU_SOURCE",
      "-Wall",
      "-Wextra",
      "-Werror",
      "-O1",
      "-static",
      ...headers.flatMap((header) => ["-idirafter", header]),
      "-o",
      built,
      from,
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`musl-gcc ${source}: ${stderr}`);
  return built;
}

/** Loads `busybox` with compiled programs in /bin, as the image `name`. */
export async function loadPrograms(
  engine: TestEngine,
  name: string,
  programs: Readonly<Record<string, string>>,
): Promise<void> {
  const entries = Object.entries(programs).map(([program, source]) => {
    const body = readFileSync(compiled(source));
    return { type: "file" as const, path: `bin/${program}`, mode: 0o755, size: body.length, body };
  });
  await loadImage(engine, name, entries);
}
