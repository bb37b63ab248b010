/**
 * The number of positional arguments, and docker's words when it is wrong.
 * @module
 */
import type { Command } from "./command.ts";
import { usageLine } from "./help.ts";

/** What is wrong with `count` arguments for `command`, or undefined. */
export function argumentProblem(
  program: string,
  path: string,
  command: Pick<Command, "args" | "use">,
  count: number,
): string | undefined {
  const { args, use } = command;
  const usage = `Usage:  ${usageLine(path, use)}`;
  const run = `Run '${path} --help' for more information`;
  if ("exact" in args) {
    if (count === args.exact) return undefined;
    if (args.exact === 0) return `${program}: '${path}' accepts no arguments\n\n${usage}\n\n${run}`;
    return `${program}: '${path}' requires ${args.exact} ${plural(args.exact)}\n\n${usage}\n\n${run}`;
  }
  const { min, max } = args;
  if (count >= min && (max === undefined || count <= max)) return undefined;
  if (max === undefined) {
    return `${program}: '${path}' requires at least ${min} ${plural(min)}\n\n${usage}\n\nSee '${path} --help' for more information`;
  }
  if (min === 0)
    return `${program}: '${path}' requires at most ${max} ${plural(max)}\n\n${usage}\n\nRun '${path} --help' for more information`;
  return `${program}: '${path}' requires at least ${min} and at most ${max} ${plural(max)}\n\n${usage}\n\n${run}`;
}

const plural = (count: number): string => (count === 1 ? "argument" : "arguments");
