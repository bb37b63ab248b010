/**
 * `caisson volume rm`
 * @module
 */
import { ServerError } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { joined } from "../failure-text.ts";

/** `caisson volume rm` */
export const removeVolumes: Command = {
  use: "[OPTIONS] VOLUME [VOLUME...]",
  long: "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
  flags: [{ name: "force", short: "f", type: "bool", usage: "Force the removal of one or more volumes" }],
  args: { min: 1 },
  run: async (context, flags, names) => {
    const client = await context.client();
    const force = flags.bool("force");
    const errors: unknown[] = [];
    for (const name of names) {
      try {
        await client.volumes.remove(name, { force });
        context.stdout.line(name);
      } catch (error) {
        if (force && error instanceof ServerError && error.status === 404) context.stdout.line(name);
        else errors.push(error);
      }
    }
    if (errors.length > 0) throw joined(errors);
    return 0;
  },
};
