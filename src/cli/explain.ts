/**
 * `caisson explain run …`: what starting such a container would do, without doing it.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Command } from "./command.ts";
import { checkPull, readRequest, withHelp } from "./container/create.ts";
import { runFlags } from "./container/create-flags.ts";
import { parseFlags } from "./flags.ts";

/** `caisson explain` */
export const explain: Command = {
  use: "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
  long: `Show what a command would do, without doing it

Prints every operation that starting the container takes, in order: what it is
for, and the system call with its arguments. Takes the flags of run.`,
  flags: [],
  args: { min: 2 },
  interspersed: false,
  run: async (context, _, [word, ...argv]) => {
    if (word !== "run") {
      throw failure("usage", {
        message: `${context.program}: explain knows only run, not ${JSON.stringify(word)}`,
      });
    }
    const { flags, args } = parseFlags(runFlags, argv, false);
    if (args.length === 0) {
      throw failure("usage", {
        message: `${context.program}: '${context.path} run' requires at least 1 argument`,
      });
    }
    checkPull(context, flags, "run");
    const { name, platform, body } = readRequest(context, flags, args, "run");
    try {
      const text = await (
        await context.client()
      ).system.explainRun({
        ...(name === undefined ? {} : { Name: name }),
        ...(platform === undefined ? {} : { Platform: platform }),
        Config: body,
      });
      context.stdout.text(text.endsWith("\n") ? text : `${text}\n`);
      return 0;
    } catch (error) {
      throw withHelp(context, error, "explain run");
    }
  },
};
