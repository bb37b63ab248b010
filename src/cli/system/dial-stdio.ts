/**
 * `caisson system dial-stdio`: joins standard input and output to the engine's socket, for `docker -H ssh://…`.
 * @module
 */
import type { Command } from "../command.ts";

/** `caisson system dial-stdio` */
export const dialStdio: Command = {
  use: "",
  flags: [],
  args: { exact: 0 },
  run: async (context) => {
    const wire = await (await context.client()).connect();
    const up = (async (): Promise<void> => {
      for await (const bytes of context.stdin()) await wire.write(bytes);
      wire.end();
    })();
    // The other side's end is this command's end, whatever is still being typed.
    up.catch(() => wire.close());
    for (let bytes = await wire.read(); bytes !== undefined; bytes = await wire.read()) {
      await context.stdout.bytes(bytes);
    }
    return 0;
  },
};
