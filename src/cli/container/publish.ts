/**
 * `caisson container publish`: other published ports for a container that is there. Docker has nothing like it.
 * @module
 */
import type { Command } from "../command.ts";
import { parsePorts } from "./ports.ts";

/** `caisson container publish` */
export const publish: Command = {
  use: "CONTAINER [-p PORT]...",
  flags: [
    {
      name: "publish",
      short: "p",
      type: "list",
      usage: "Publish a container's port(s) to the host, in place of those that are published",
    },
  ],
  args: { exact: 1 },
  run: async (context, flags, [name = ""]) => {
    const { bindings } = parsePorts(flags.list("publish"), []);
    const client = await context.client();
    await client.containers.update(name, { PortBindings: bindings });
    context.stdout.line(name);
    return 0;
  },
};
