/**
 * `caisson export`
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { writeFileStream } from "../files.ts";

/** `caisson export` */
export const exportContainer: Command = {
  use: "[OPTIONS] CONTAINER",
  flags: [{ name: "output", short: "o", type: "string", usage: "Write to a file, instead of STDOUT" }],
  args: { exact: 1 },
  run: async (context, flags, [name = ""]) => {
    const output = flags.string("output") ?? "";
    if (output === "" && context.stdout.terminal)
      throw commandFailed("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    const reply = await (await context.client()).containers.export(name);
    if (output !== "") await writeFileStream(output, reply.body);
    else for await (const bytes of reply.body) await context.stdout.bytes(bytes);
    return 0;
  },
};
