/**
 * Command lines that are run on both engines: what they print and their exit codes are compared. Without dockerd each must
 * end as its row says.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { testUnless } from "../../support/requires.ts";
import { startSides, type Side } from "../api/side.ts";

/** A command's words, its exit code, and whether what it prints is compared. */
interface Command {
  readonly line: string;
  readonly code: number;
  readonly input?: string;
  readonly silent: boolean;
  /** It is known to end otherwise with dockerd. */
  readonly alone: boolean;
}

/** Commands as a shell would read them: words apart by spaces, quotes around those that have some. */
function commands(text: string): readonly Command[] {
  return text
    .trim()
    .split("\n")
    .filter((row) => !row.trim().startsWith("#"))
    .map((row) => {
      const [, marks = "", line = "", input] =
        /^\s*((?:[~!] )?(?:\d+ )?)(.*?)(?: <<< (.*))?$/.exec(row) ?? [];
      const code = Number(/\d+/.exec(marks)?.[0] ?? 0);
      return {
        line,
        code,
        silent: marks.includes("~"),
        alone: marks.includes("!"),
        ...(input === undefined ? {} : { input }),
      };
    });
}

const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = ""]) => quoted ?? plain);

interface Printed {
  readonly line: string;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function perform(side: Side, program: string, top: string, { line, input }: Command): Promise<Printed> {
  const folder = join(top, side.name);
  const child = spawn(program, words(line), {
    cwd: folder,
    env: { ...process.env, DOCKER_HOST: side.host, DOCKER_CONFIG: join(folder, "config") },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: 120_000,
  });
  child.stdin?.end(`${input}\n`);
  const read = async (stream: Readable | null): Promise<string> => {
    const text = stream === null ? "" : (await buffer(stream)).toString("utf8");
    return plain(text.replaceAll(folder, "FOLDER"), side);
  };
  const ended = once(child, "close");
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr)]);
  await ended;
  return { line, code: child.exitCode, stdout, stderr };
}

/** Without ids, times and sizes; columns may then be of other widths. */
function plain(text: string, side: Side): string {
  return text
    .replaceAll(side.directory, "DIRECTORY")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "SHORT")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:?\d\d))?( UTC)?/g, "TIME")
    .replaceAll(/(About an?|Less than a|\d+) (second|minute)s?( ago)?/g, "AGO")
    .replaceAll(/\b\d+(\.\d+)?( ?[kM]?B)\b/g, "SIZE")
    .replaceAll(/ {2,}/g, "  ");
}

/** What a client's commands are run with. */
export interface Client {
  readonly program: string | undefined;
  /** Why it can't be run. */
  readonly missing: string | undefined;
  /** Makes files in the folder that commands are run in, which has a folder `config` for docker's. */
  readonly prepare: (folder: string) => void;
  /** What goes to stderr is progress, which is another one each time. */
  readonly quiet?: boolean;
}

/**
 * Starts both engines for a file of tests. A row of a test is `[~ |! ][CODE ]COMMAND[ <<< INPUT]`: with `~` what it prints isn't
 * compared, with `!` nothing is. A row that begins with `#` says why. Each engine's files are in a folder of its own.
 */
export function comparing({
  program = "",
  missing,
  prepare,
  quiet = false,
}: Client): (name: string, text: string) => void {
  let ours: Side | undefined;
  let peer: Side | undefined;
  const folder = mkdtempSync(join(tmpdir(), "caisson-cli."));
  beforeAll(async () => {
    if (missing !== undefined) return;
    ({ ours, peer } = await startSides());
    for (const { name } of [ours, peer ?? ours]) {
      mkdirSync(join(folder, name, "config"), { recursive: true });
      prepare(join(folder, name));
    }
  }, 60_000);
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await Promise.all([ours?.[Symbol.asyncDispose](), peer?.[Symbol.asyncDispose]()]);
  }, 60_000);
  return (name, text) =>
    testUnless(missing)(
      name,
      async () => {
        if (ours === undefined) throw new Error("the engine didn't start");
        const differences: object[] = [];
        for (const command of commands(text)) {
          const beside = command.alone ? undefined : peer;
          const [mine, theirs] = await Promise.all([
            perform(ours, program, folder, command),
            beside && perform(beside, program, folder, command),
          ]);
          if (mine.code !== command.code) differences.push({ ...mine, wanted: command.code });
          if (theirs === undefined) continue;
          const compared = ({ stdout, stderr, ...rest }: Printed): object =>
            command.silent ? rest : quiet ? { ...rest, stdout } : { ...rest, stdout, stderr };
          const [caisson, dockerd] = [compared(mine), compared(theirs)];
          if (!Bun.deepEquals(caisson, dockerd)) differences.push({ caisson, dockerd });
        }
        expect(differences).toEqual([]);
      },
      540_000,
    );
}
