/**
 * `caisson logs`
 * @module
 */
import { demultiplex } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { toTimestamp } from "../timestamps.ts";

/** `caisson logs` */
export const logs: Command = {
  use: "[OPTIONS] CONTAINER",
  flags: [
    { name: "details", type: "bool", usage: "Show extra details provided to logs" },
    { name: "follow", short: "f", type: "bool", usage: "Follow log output" },
    {
      name: "since",
      type: "string",
      usage:
        'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
    {
      name: "tail",
      short: "n",
      type: "string",
      usage: "Number of lines to show from the end of the logs",
      shown: '"all"',
    },
    { name: "timestamps", short: "t", type: "bool", usage: "Show timestamps" },
    {
      name: "until",
      type: "string",
      usage:
        'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
  ],
  args: { exact: 1 },
  run: async (context, flags, [name = ""]) => {
    const client = await context.client();
    const container = await client.containers.inspect(name);
    const time = (flag: string): string | undefined => {
      const value = flags.string(flag);
      return value === undefined || value === ""
        ? undefined
        : toTimestamp(value, `invalid value for "${flag}": `);
    };
    const since = time("since");
    const until = time("until");
    const reply = await client.containers.logs(container.Id ?? name, {
      follow: flags.bool("follow"),
      timestamps: flags.bool("timestamps"),
      details: flags.bool("details"),
      tail: flags.string("tail") ?? "all",
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    });
    if (container.Config?.Tty === true) {
      for await (const bytes of reply.body) await context.stdout.bytes(bytes);
    } else {
      const outputs = [undefined, context.stdout, context.stderr];
      await demultiplex(reply.body, (stream, bytes) => outputs[stream]?.bytes(bytes));
    }
    return 0;
  },
};
