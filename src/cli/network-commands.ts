/**
 * The commands `network …`.
 * @module
 */
import type { Entry } from "./command-entry.ts";

/** `network …` */
export const networks: Entry = {
  name: "network",
  short: "Manage networks",
  children: [
    {
      name: "connect",
      short: "Connect a container to a network",
      load: async () => (await import("./network/connect.ts")).connectNetwork,
    },
    {
      name: "create",
      short: "Create a network",
      load: async () => (await import("./network/create.ts")).createNetwork,
    },
    {
      name: "disconnect",
      short: "Disconnect a container from a network",
      load: async () => (await import("./network/connect.ts")).disconnectNetwork,
    },
    {
      name: "inspect",
      short: "Display detailed information on one or more networks",
      load: async () => (await import("./inspect.ts")).inspectNetworks,
    },
    {
      name: "ls",
      aliases: ["list"],
      short: "List networks",
      spellings: ["network ls", "network list"],
      load: async () => (await import("./network/ls.ts")).networks,
    },
    {
      name: "prune",
      short: "Remove all unused networks",
      load: async () => (await import("./prune.ts")).pruneNetworks,
    },
    {
      name: "rm",
      aliases: ["remove"],
      short: "Remove one or more networks",
      spellings: ["network rm", "network remove"],
      load: async () => (await import("./network/rm.ts")).removeNetworks,
    },
  ],
};
