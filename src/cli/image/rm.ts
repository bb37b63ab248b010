/**
 * `caisson rmi`
 * @module
 */
import { ServerError } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { joined, textOfError } from "../failure-text.ts";

/** `caisson rmi` */
export const rmi: Command = {
  use: "[OPTIONS] IMAGE [IMAGE...]",
  flags: [
    { name: "force", short: "f", type: "bool", usage: "Force removal of the image" },
    { name: "no-prune", type: "bool", usage: "Do not delete untagged parents" },
    {
      name: "platform",
      type: "strings",
      usage:
        'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
  ],
  args: { min: 1 },
  run: async (context, flags, names) => {
    const client = await context.client();
    const force = flags.bool("force");
    const platforms = flags.list("platform");
    const errors: unknown[] = [];
    for (const name of names) {
      try {
        const options = {
          force,
          noprune: flags.bool("no-prune"),
          ...(platforms.length === 0 ? {} : { platforms }),
        };
        for (const item of await client.images.remove(name, options)) {
          const deleted = item.Deleted ?? "";
          context.stdout.line(deleted === "" ? `Untagged: ${item.Untagged ?? ""}` : `Deleted: ${deleted}`);
        }
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 0) return 0;
    // Forcing away what isn't there is no failure.
    const missing = errors.every((error) => error instanceof ServerError && error.status === 404);
    if (!force || !missing) throw joined(errors);
    for (const error of errors) context.stderr.line(textOfError(error));
    return 0;
  },
};
