/**
 * `caisson network rm`
 * @module
 */
import { ServerError } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { textOfError } from "../failure-text.ts";

/** `caisson network rm` */
export const removeNetworks: Command = {
  use: "NETWORK [NETWORK...]",
  flags: [{ name: "force", short: "f", type: "bool", usage: "Do not error if the network does not exist" }],
  args: { min: 1 },
  run: async (context, flags, names) => {
    const client = await context.client();
    let code = 0;
    for (const name of names) {
      try {
        await client.networks.remove(name);
        context.stdout.line(name);
      } catch (error) {
        if (flags.bool("force") && error instanceof ServerError && error.status === 404) continue;
        context.stderr.line(textOfError(error));
        code = 1;
      }
    }
    return code;
  },
};
