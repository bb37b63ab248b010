/**
 * `caisson top`
 * @module
 */
import type { Command } from "../command.ts";
import { alignColumns } from "../table.ts";

/** `caisson top` */
export const top: Command = {
  use: "CONTAINER [ps OPTIONS]",
  flags: [],
  args: { min: 1 },
  interspersed: false,
  run: async (context, _, [name = "", ...psArguments]) => {
    const client = await context.client();
    const answer = await client.containers.top(
      name,
      psArguments.length === 0 ? undefined : psArguments.join(" "),
    );
    const lines = [answer.Titles ?? [], ...(answer.Processes ?? [])].map((cells) => cells.join("\t"));
    context.stdout.text(alignColumns(`${lines.join("\n")}\n`, { minWidth: 20, padding: 3 }));
    return 0;
  },
};
