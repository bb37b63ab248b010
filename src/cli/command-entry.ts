/**
 * A place in the tree of commands.
 * @module
 */
import type { Command } from "./command.ts";

/** A command or a group of commands. */
export interface Entry {
  readonly name: string;
  /** Other names in the same group. */
  readonly aliases?: readonly string[];
  readonly short: string;
  /** Every spelling without the program's name, when there is more than one. */
  readonly spellings?: readonly string[];
  /** Listed under "Common Commands". */
  readonly common?: boolean;
  readonly hidden?: boolean;
  readonly load?: () => Promise<Command>;
  readonly children?: readonly Entry[];
}
