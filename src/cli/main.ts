/**
 * The command line's entry. Imports nothing heavy: a command's code is loaded when it runs.
 * @module
 */
import type { Command, Context } from "./command.ts";
import { findCommand, type Entry } from "./commands.ts";
import { makeContext } from "./context.ts";
import { parseFlags, type FlagSpec, type Flags } from "./flags.ts";
import { globalFlags } from "./global-flags.ts";

/**
 * Runs `caisson` with the arguments after the program's name. Prints errors itself.
 * @param argv0 the name that the program was called by: `dockerd` is `caisson daemon`, `docker` changes messages
 * @returns the exit code
 */
export async function main(argv: readonly string[], argv0: string = process.argv0): Promise<number> {
  const called = argv0.slice(argv0.lastIndexOf("/") + 1);
  const program = called === "docker" || called === "dockerd" ? called : "caisson";
  try {
    return await dispatch(program, called === "dockerd" ? ["daemon", ...argv] : argv);
  } catch (error) {
    return report(error);
  }
}

async function dispatch(program: string, argv: readonly string[]): Promise<number> {
  const globals = await orUsage(program, "[OPTIONS] COMMAND [ARG...]", () =>
    parseFlags(globalFlags, argv, false),
  );
  if (globals.flags.bool("version")) {
    const { printVersionLine } = await import("./system/version.ts");
    return printVersionLine(program);
  }
  const words = globals.args[0] === "help" ? globals.args.slice(1) : globals.args;
  const help = globals.help || globals.args[0] === "help";
  if (words.length === 0) return showRootHelp(program, globalFlags);
  const { entry, names } = findCommand(words);
  const path = program === "dockerd" ? program : [program, ...names].join(" ");
  if (entry === undefined) {
    (await import("./absent-commands.ts")).refuseAbsent(words);
    throw await badArguments(
      `${program}: unknown command: ${program} ${words[0]}\n\nRun '${program} --help' for more information`,
    );
  }
  const rest = words.slice(names.length);
  if (entry.load === undefined) return group(program, path, entry, rest);
  const command = await entry.load();
  const parsed = await orUsage(path, command.use, () =>
    parseFlags(command.flags, rest, command.interspersed !== false),
  );
  if (help || parsed.help) return showHelp(program, path, entry, command);
  await checkArguments(program, path, command, parsed.args);
  const context: Context = makeContext(program, path, globals.flags);
  return command.run(context, parsed.flags, parsed.args);
}

async function group(program: string, path: string, entry: Entry, rest: readonly string[]): Promise<number> {
  const [word] = rest;
  if (word !== undefined && !word.startsWith("-")) {
    (await import("./absent-commands.ts")).refuseAbsent([entry.name, word]);
    throw await badArguments(
      `${program}: unknown command: ${path} ${word}\n\nUsage:  ${path}${entry.name === "volume" ? " COMMAND" : ""}\n\nRun '${path} --help' for more information`,
    );
  }
  if (word !== undefined) {
    await orUsage(path, "", () => parseFlags([], rest, true));
  }
  const [{ groupHelp }, { outputOn }] = await Promise.all([import("./help.ts"), import("./output.ts")]);
  outputOn(1).text(groupHelp(path, entry.short, entry.children ?? []));
  return 0;
}

async function showRootHelp(program: string, flags: readonly FlagSpec[]): Promise<number> {
  const [{ rootHelp }, { outputOn }, { commands }, { helpWidth }] = await Promise.all([
    import("./help.ts"),
    import("./output.ts"),
    import("./commands.ts"),
    import("./terminal.ts"),
  ]);
  const short = "A self-sufficient engine for containers";
  outputOn(1).text(rootHelp(program, short, commands, flags, helpWidth()));
  return 0;
}

async function showHelp(program: string, path: string, entry: Entry, command: Command): Promise<number> {
  const [{ commandHelp }, { outputOn }, { helpWidth }] = await Promise.all([
    import("./help.ts"),
    import("./output.ts"),
    import("./terminal.ts"),
  ]);
  const { use, long, flags } = command;
  const spellings = (entry.spellings ?? []).map((spelling) => `${program} ${spelling}`);
  const subject = {
    path,
    use,
    short: entry.short,
    ...(long === undefined ? {} : { long }),
    spellings,
    flags,
  };
  outputOn(1).text(commandHelp(subject, helpWidth()));
  return 0;
}

/** Adds the usage to what is wrong with the flags, as docker does. */
async function orUsage<T extends { readonly flags: Flags }>(
  path: string,
  use: string,
  parse: () => T,
): Promise<T> {
  try {
    return parse();
  } catch (error) {
    const [{ failure, messageOf }, { usageLine }] = await Promise.all([
      import("../errors/mod.ts"),
      import("./help.ts"),
    ]);
    const message = `${messageOf(error)}\n\nUsage:  ${usageLine(path, use)}\n\nRun '${path} --help' for more information`;
    throw failure("usage", { message }, error);
  }
}

async function checkArguments(
  program: string,
  path: string,
  command: Command,
  args: readonly string[],
): Promise<void> {
  const { argumentProblem } = await import("./arguments.ts");
  const problem = argumentProblem(program, path, command, args.length);
  if (problem !== undefined) throw await badArguments(problem);
}

async function badArguments(message: string): Promise<Error> {
  const { commandFailed } = await import("./failure-text.ts");
  return commandFailed(message);
}

/** Errors that bring their exit code along; docker ends with 1 on all others. */
const ownExitCodes: ReadonlySet<string> = new Set([
  "usage",
  "bad-template",
  "not-executable",
  "executable-not-found",
]);

async function report(error: unknown): Promise<number> {
  const [{ textOfError }, { codeOf, outputOn }, { CaissonError }] = await Promise.all([
    import("./failure-text.ts"),
    import("./output.ts"),
    import("../errors/mod.ts"),
  ]);
  // Nobody reads any more: as if SIGPIPE had ended it.
  if (codeOf(error) === "EPIPE") return 141;
  const text = textOfError(error);
  if (text !== "") outputOn(2).line(text);
  return error instanceof CaissonError && ownExitCodes.has(error.code) ? error.exitCode : 1;
}
