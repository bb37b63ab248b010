/**
 * `caisson daemon`, and `dockerd` by its name
 * @module
 */
import type { Command } from "./command.ts";
import { daemonFlags, daemonOptions, refusedDaemonFlags } from "./daemon-flags.ts";

/** `caisson daemon` */
export const daemon: Command = {
  use: "[OPTIONS]",
  long: "A self-sufficient engine for containers.",
  flags: [...daemonFlags, ...refusedDaemonFlags],
  args: { exact: 0 },
  run: async (_, flags) => {
    const options = daemonOptions(flags);
    const { startDaemon } = await import("../api/mod.ts");
    await startDaemon(options);
    return 0;
  },
};
