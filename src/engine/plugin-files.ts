/**
 * Where plugins are looked for: folders of the administrator's, on file systems that may not answer.
 * @module
 */
import type { PluginFiles } from "../plugins/mod.ts";
import type { HostPaths } from "./host-paths.ts";

/** The host's files as the finding of plugins wants them. */
export function pluginFiles(hostPaths: Pick<HostPaths, "look" | "names" | "read">): PluginFiles {
  return {
    look: async (paths) => {
      const found = await hostPaths.look(paths);
      return new Map([...found].map(([path, { kind }]) => [path, kind ?? ("other" as const)] as const));
    },
    names: (folders) => hostPaths.names(folders),
    read: (path) => hostPaths.read(path),
  };
}
