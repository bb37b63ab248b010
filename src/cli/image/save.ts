/**
 * `caisson save`
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { writeFileStream } from "../files.ts";

/** `caisson save` */
export const save: Command = {
  use: "[OPTIONS] IMAGE [IMAGE...]",
  flags: [
    { name: "output", short: "o", type: "string", usage: "Write to a file, instead of STDOUT" },
    {
      name: "platform",
      type: "string",
      usage: 'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
  ],
  args: { min: 1 },
  run: async (context, flags, names) => {
    const output = flags.string("output") ?? "";
    if (output === "" && context.stdout.terminal) {
      throw commandFailed("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    const platform = flags.string("platform");
    const reply = await (
      await context.client()
    ).images.save(names, platform === undefined ? {} : { platform });
    if (output !== "") await writeFileStream(output, reply.body);
    else for await (const bytes of reply.body) await context.stdout.bytes(bytes);
    return 0;
  },
};
