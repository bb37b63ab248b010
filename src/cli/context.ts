/**
 * Makes what a command works with.
 * @module
 */
import type { Client } from "../client/mod.ts";
import type { Context } from "./command.ts";
import type { Flags } from "./flags.ts";
import { inputOn, isTerminal, outputOn } from "./output.ts";

/** The context of a command on this process's standard streams. */
export function makeContext(program: string, path: string, globals: Flags): Context {
  let client: Promise<Client> | undefined;
  return {
    program,
    path,
    globals,
    stdout: outputOn(1),
    stderr: outputOn(2),
    stdin: () => inputOn(0),
    get stdinTerminal() {
      return isTerminal(0);
    },
    client: () => (client ??= import("./connect.ts").then(({ connect }) => connect(globals))),
  };
}
