/**
 * The help of docker's command line beside that of caisson's: the same commands, the same flags with the same letters and
 * kinds of values. What isn't there is listed here, with the reason.
 * @module
 */
import { expect } from "bun:test";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { absentCommands } from "../../../src/cli/absent-commands.ts";
import { dockerPath, noDocker } from "../../support/docker.ts";
import { testUnless } from "../../support/requires.ts";

const caisson = join(import.meta.dir, "../../../dist/caisson");

/** Flags of docker's that aren't in caisson's help: patterns of `COMMAND --FLAG`. */
const absentFlags: readonly (readonly [RegExp, string])[] = [
  [
    /^(container )?(create|run) --(cpu-count|cpu-percent|io-maxbandwidth|io-maxiops)$/,
    "for Windows: taken, and hidden",
  ],
  [/^(image ls|images) --tree$/, "experimental in docker: refused by name"],
  [
    /^volume create --(availability|group|limit-bytes|required-bytes|scope|secret|sharing|topology-\w+|type)$/,
    "for volumes of a swarm",
  ],
  [/^volume ls --cluster$/, "for volumes of a swarm"],
];

/** Flags and commands of caisson's own. */
const more: readonly RegExp[] = [
  /^(container )?update --(health-\w+(-\w+)?|label|label-rm|no-healthcheck)$/,
  /^(container publish|daemon|explain)\b/,
];

async function help(program: string, words: readonly string[]): Promise<string> {
  const child = spawn(program, [...words, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  await new Promise((resolve) => child.once("close", resolve));
  return text;
}

/** The commands that a help lists, without plugins. */
function commandsIn(text: string): string[] {
  const found: string[] = [];
  let listing = false;
  for (const line of text.split("\n")) {
    if (/^\S/.test(line)) listing = /^([A-Z]\w* )?Commands:$/.test(line);
    const name = /^ {2}([a-z][\w-]*) {2,}\S/.exec(line)?.[1];
    if (listing && name !== undefined) found.push(name);
  }
  return found;
}

/** The flags that a help lists: `-l --name kind`. */
function flagsIn(text: string): ReadonlyMap<string, string> {
  const rows = [...text.matchAll(/^ +(-\w, +)?--([\w.-]+)(?: (\w+))?(?= {2,}|$)/gm)];
  // A map of text is called after Go's type in some of docker's rows.
  const kind = (word = ""): string => (word === "stringToString" ? "map" : word);
  return new Map(rows.map(([, letter = "", name = "", word]) => [name, `${letter.trim()} ${kind(word)}`]));
}

type Tree = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Every command's flags, by the command's words. */
async function tree(program: string): Promise<Tree> {
  const found = new Map<string, ReadonlyMap<string, string>>();
  const top = commandsIn(await help(program, [])).filter((name) => !absentCommands.has(name));
  for (const name of top) {
    const text = await help(program, [name]);
    found.set(name, flagsIn(text));
    for (const child of commandsIn(text))
      found.set(`${name} ${child}`, flagsIn(await help(program, [name, child])));
  }
  return found;
}

testUnless(noDocker)(
  "commands and flags are docker's",
  async () => {
    const [docker, ours] = await Promise.all([tree(dockerPath ?? ""), tree(caisson)]);
    expect(docker.size).toBeGreaterThan(90);
    const known = (text: string): boolean => absentFlags.some(([pattern]) => pattern.test(text));
    const lacking = [...docker].flatMap(([command, flags]) => {
      const own = ours.get(command);
      if (own === undefined) return absentCommands.has(command) ? [] : [command];
      return [...flags]
        .filter(([flag, kind]) => own.get(flag) !== kind && !known(`${command} --${flag}`))
        .map(([flag, kind]) => `${command} --${flag}: ${kind}, not ${own.get(flag)}`);
    });
    expect(lacking).toEqual([]);
    const beyond = [...ours].flatMap(([command, flags]) => {
      const theirs = docker.get(command);
      if (theirs === undefined) return [command];
      return [...flags.keys()].filter((flag) => !theirs.has(flag)).map((flag) => `${command} --${flag}`);
    });
    expect(beyond.filter((text) => !more.some((pattern) => pattern.test(text)))).toEqual([]);
    // And each reason is still one.
    const all = [...docker].flatMap(([command, flags]) =>
      [...flags.keys()]
        .filter((flag) => ours.get(command)?.has(flag) === false)
        .map((flag) => `${command} --${flag}`),
    );
    expect(absentFlags.filter(([pattern]) => !all.some((text) => pattern.test(text)))).toEqual([]);
  },
  300_000,
);

testUnless(noDocker)(
  "docker's commands that are missing say so",
  async () => {
    for (const words of absentCommands.keys()) {
      const text = await help(caisson, words.split(" "));
      expect([words, text]).toEqual([
        words,
        expect.stringContaining("not supported by this version of caisson"),
      ]);
    }
  },
  60_000,
);
