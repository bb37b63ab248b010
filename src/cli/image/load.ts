/**
 * `caisson load`
 * @module
 */
import { jsonValues, type ProgressMessage } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { readFileStream } from "../files.ts";
import { showProgress } from "../progress.ts";

/** `caisson load` */
export const load: Command = {
  use: "[OPTIONS]",
  flags: [
    { name: "input", short: "i", type: "string", usage: "Read from tar archive file, instead of STDIN" },
    {
      name: "platform",
      type: "string",
      usage: 'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    { name: "quiet", short: "q", type: "bool", usage: "Suppress the load output" },
  ],
  args: { exact: 0 },
  run: async (context, flags) => {
    const input = flags.string("input") ?? "";
    if (input === "" && context.stdinTerminal) {
      throw commandFailed("requested load from stdin, but stdin is empty");
    }
    const archive = input === "" ? context.stdin() : readFileStream(input);
    const platform = flags.string("platform");
    const reply = await (
      await context.client()
    ).images.load(archive, {
      quiet: flags.bool("quiet") || !context.stdout.terminal,
      ...(platform === undefined ? {} : { platform }),
    });
    if (reply.headers.get("content-type")?.startsWith("application/json") !== true) {
      for await (const bytes of reply.body) await context.stdout.bytes(bytes);
      return 0;
    }
    const { terminalSize } = await import("../terminal.ts");
    const width = context.stdout.terminal ? terminalSize(1).width : 0;
    await showProgress(jsonValues<ProgressMessage>(reply.body), {
      output: context.stdout,
      ...(width === 0 ? {} : { width }),
    });
    return 0;
  },
};
