/**
 * The commands about contexts.
 * @module
 */
import type { Entry } from "../commands.ts";

/** `caisson context …` */
export const contexts: Entry = {
  name: "context",
  short: "Manage contexts",
  children: [
    {
      name: "create",
      short: "Create a context",
      load: async () => (await import("./create.ts")).createContext,
    },
    {
      name: "export",
      short: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
      load: async () => (await import("./export.ts")).exportContext,
    },
    {
      name: "import",
      short: "Import a context from a tar or zip file",
      load: async () => (await import("./export.ts")).importContext,
    },
    {
      name: "inspect",
      short: "Display detailed information on one or more contexts",
      load: async () => (await import("./inspect.ts")).inspectContexts,
    },
    {
      name: "ls",
      aliases: ["list"],
      short: "List contexts",
      spellings: ["context ls", "context list"],
      load: async () => (await import("./ls.ts")).contexts,
    },
    {
      name: "rm",
      aliases: ["remove"],
      short: "Remove one or more contexts",
      spellings: ["context rm", "context remove"],
      load: async () => (await import("./use.ts")).removeContexts,
    },
    {
      name: "show",
      short: "Print the name of the current context",
      load: async () => (await import("./use.ts")).showContext,
    },
    {
      name: "update",
      short: "Update a context",
      load: async () => (await import("./create.ts")).updateContext,
    },
    {
      name: "use",
      short: "Set the current docker context",
      load: async () => (await import("./use.ts")).useContext,
    },
  ],
};
