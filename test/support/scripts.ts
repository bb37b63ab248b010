/**
 * Small Perl scripts of test/ that make system calls no shell makes, beside containers and inside of them. Perl is on
 * every Debian (perl-base is essential), and needs no module but `strict` for what they do.
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { nativeArch, syscallNumber } from "../../src/kernel/syscalls/mod.ts";
import { loadImage } from "./archive.ts";
import type { TestEngine } from "./engine.ts";

const perl = "/usr/bin/perl";

/** The path of `source`, a script of test/, to be run by {@link perlPath}. */
export function script(source: string): string {
  return join(import.meta.dir, "..", source);
}

/** What runs scripts on the host. */
export const perlPath: string = perl;

/** A system call's number here, for `syscall` in a script. */
export function callNumber(name: string): number {
  const number = syscallNumber(nativeArch(), name);
  if (number === undefined) throw new Error(`this architecture has no system call ${name}`);
  return number;
}

/** Loads `busybox` with perl and with scripts in /bin, as the image `name`. */
export async function loadScripts(
  engine: TestEngine,
  name: string,
  scripts: Readonly<Record<string, string>>,
): Promise<void> {
  const file = (
    path: string,
    body: Buffer,
  ): { type: "file"; path: string; mode: number; size: number; body: Buffer } => ({
    type: "file",
    path: path.replace(/^\//, ""),
    mode: 0o755,
    size: body.length,
    body,
  });
  const entries = [perl, ...librariesOf(perl), strict()].map((path) =>
    file(path, readFileSync(realpathSync(path))),
  );
  for (const [program, source] of Object.entries(scripts))
    entries.push(file(`bin/${program}`, readFileSync(script(source))));
  await loadImage(engine, name, entries);
}

/** The one module that scripts use. */
function strict(): string {
  return spawnSync(perl, ["-e", 'use strict; print $INC{"strict.pm"}'], { encoding: "utf8" }).stdout;
}

/** What the program is linked with, and its loader. */
function librariesOf(program: string): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}
