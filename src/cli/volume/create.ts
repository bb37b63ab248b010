/**
 * `caisson volume create`
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { takeLabel, toMap } from "../key-values.ts";

/** `caisson volume create` */
export const createVolume: Command = {
  use: "[OPTIONS] [VOLUME]",
  flags: [
    {
      name: "driver",
      short: "d",
      type: "string",
      usage: "Specify volume driver name",
      shown: '"local"',
    },
    { name: "label", type: "list", usage: "Set metadata for a volume", take: takeLabel },
    { name: "name", type: "string", usage: "Specify volume name", hidden: true },
    { name: "opt", short: "o", type: "map", usage: "Set driver specific options", shown: "map[]" },
  ],
  args: { min: 0, max: 1 },
  run: async (context, flags, [name]) => {
    if (name !== undefined && flags.has("name")) {
      throw commandFailed(
        "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
      );
    }
    const options = toMap(flags.list("opt"));
    const volume = await (
      await context.client()
    ).volumes.create({
      Name: name ?? flags.string("name") ?? "",
      Driver: flags.string("driver") ?? "local",
      DriverOpts: options,
      Labels: toMap(flags.list("label")),
    });
    context.stdout.line(volume.Name ?? "");
    return 0;
  },
};
