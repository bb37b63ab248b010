/**
 * The commands `volume …`.
 * @module
 */
import type { Entry } from "./command-entry.ts";

/** `volume …` */
export const volumes: Entry = {
  name: "volume",
  short: "Manage volumes",
  children: [
    {
      name: "create",
      short: "Create a volume",
      load: async () => (await import("./volume/create.ts")).createVolume,
    },
    {
      name: "inspect",
      short: "Display detailed information on one or more volumes",
      load: async () => (await import("./inspect.ts")).inspectVolumes,
    },
    {
      name: "ls",
      aliases: ["list"],
      short: "List volumes",
      spellings: ["volume ls", "volume list"],
      load: async () => (await import("./volume/ls.ts")).volumes,
    },
    {
      name: "prune",
      short: "Remove unused local volumes",
      load: async () => (await import("./prune.ts")).pruneVolumes,
    },
    {
      name: "rm",
      aliases: ["remove"],
      short: "Remove one or more volumes",
      spellings: ["volume rm", "volume remove"],
      load: async () => (await import("./volume/rm.ts")).removeVolumes,
    },
  ],
};
