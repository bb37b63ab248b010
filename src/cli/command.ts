/**
 * What a command is, and what it gets to work with.
 * @module
 */
import type { Client } from "../client/mod.ts";
import type { Flags, FlagSpec } from "./flags.ts";
import type { Output } from "./output.ts";

/** How many positional arguments a command takes. */
export type ArgumentRule = { readonly min: number; readonly max?: number } | { readonly exact: number };

/** A command, loaded when it runs. */
export interface Command {
  /** What follows the command's name in its usage line; forms are separated by line ends. */
  readonly use: string;
  readonly long?: string;
  readonly flags: readonly FlagSpec[];
  readonly args: ArgumentRule;
  /** False when parsing stops at the first positional argument. */
  readonly interspersed?: boolean;
  /** Does the work. @returns the exit code */
  run(context: Context, flags: Flags, args: readonly string[]): Promise<number>;
}

/** What a command works with. */
export interface Context {
  /** `caisson`, or `docker` when called by that name. */
  readonly program: string;
  /** The command as it was spelled: `caisson container run`. */
  readonly path: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Standard input, read on demand. */
  stdin(): AsyncIterable<Uint8Array>;
  readonly stdinTerminal: boolean;
  /** The engine; started if it is this user's own and doesn't run. */
  client(): Promise<Client>;
  /** Global options that were given before the command. */
  readonly globals: Flags;
}
