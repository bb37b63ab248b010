/**
 * The two command lines that every scenario is gone through with: the real docker CLI, and caisson in its place.
 * @module
 */
import { afterAll, beforeAll } from "bun:test";
import { docker, dockerPath, noDocker } from "../support/docker.ts";
import { caisson, TestEngine, type Ended } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";
import { TerminalSession } from "../support/terminal.ts";

/** One command line against one engine. */
export interface Client {
  readonly engine: TestEngine;
  /** Runs a command line to its end, whatever comes of it. */
  run(...args: readonly string[]): Ended;
  /** The same for one that must succeed: what it printed, without the last line's end. */
  must(...args: readonly string[]): string;
  /** Runs it at a terminal. */
  terminal(...args: readonly string[]): TerminalSession;
}

const programs = [
  { name: "docker", missing: noDocker, path: dockerPath ?? "docker" },
  { name: "caisson", missing: undefined, path: caisson },
] as const;

/** The engine of a file of scenarios: started before its first test, with busybox; ended after its last. */
export function scenarioEngine(...flags: readonly string[]): { readonly current: TestEngine } {
  let engine: TestEngine | undefined;
  beforeAll(async () => {
    engine = await TestEngine.start(...flags);
    await importBusybox(engine);
  });
  afterAll(async () => engine?.[Symbol.asyncDispose]());
  return {
    get current(): TestEngine {
      if (engine === undefined) throw new Error("the engine was not started");
      return engine;
    },
  };
}

/** A scenario of `scenarios.md` as one test for each command line; `number` is its row there. */
export function scenario(
  number: number,
  what: string,
  engine: { readonly current: TestEngine },
  steps: (client: Client) => void | Promise<void>,
  missing?: string,
): void {
  for (const program of programs) {
    testUnless(program.missing ?? missing)(`${number}, by ${program.name}: ${what}`, async () =>
      steps(clientOf(program.name, program.path, engine.current)),
    );
  }
}

function clientOf(name: "docker" | "caisson", path: string, engine: TestEngine): Client {
  const run = (...args: readonly string[]): Ended =>
    name === "docker" ? docker(engine, args) : engine.caisson(args);
  return {
    engine,
    run,
    must: (...args) => {
      const { code, stdout, stderr } = run(...args);
      if (code !== 0) throw new Error(`${name} ${args.join(" ")}: exit code ${code}: ${stderr}`);
      return stdout.replace(/\n$/, "");
    },
    terminal: (...args) => TerminalSession.open(engine, args, path),
  };
}
