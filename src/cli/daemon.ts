/**
 * `caisson daemon`, and `dockerd` by its name
 * @module
 */
import type { Command } from "./command.ts";
import { daemonFlags, daemonOptions, placesOf } from "./daemon-options.ts";

/** `caisson daemon` */
export const daemon: Command = {
  use: "[OPTIONS]",
  long: "A self-sufficient engine for containers.",
  flags: daemonFlags,
  args: { exact: 0 },
  run: async ({ program, stderr }, flags) => {
    if (flags.bool("version")) {
      const { printVersionLine } = await import("./system/version.ts");
      return printVersionLine(program);
    }
    const read = (): ReturnType<typeof daemonOptions> => daemonOptions(flags, placesOf(program));
    const options = read();
    if (flags.bool("validate")) {
      stderr.line("configuration OK");
      return 0;
    }
    const { startDaemon } = await import("../api/mod.ts");
    await startDaemon(options, read);
    return 0;
  },
};
