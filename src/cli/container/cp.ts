/**
 * `caisson cp`: tar archives in and out of a container.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";

/** `caisson cp` */
export const cp: Command = {
  use: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  long: `Copy files/folders between a container and the local filesystem

Use '-' as the source to read a tar archive from stdin
and extract it to a directory destination in a container.
Use '-' as the destination to stream a tar archive of a
container source to stdout.`,
  flags: [
    {
      name: "archive",
      short: "a",
      type: "bool",
      usage: "Archive mode (copy all uid/gid information)",
    },
    { name: "follow-link", short: "L", type: "bool", usage: "Always follow symbol link in SRC_PATH" },
    {
      name: "quiet",
      short: "q",
      type: "bool",
      usage:
        "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
    },
  ],
  args: { exact: 2 },
  run: async (context, flags, [source = "", target = ""]) => {
    if (source === "") throw commandFailed("source can not be empty");
    if (target === "") throw commandFailed("destination can not be empty");
    const from = splitPath(source);
    const to = splitPath(target);
    if (from.container !== "" && to.container !== "")
      throw commandFailed("copying between containers is not supported");
    if (from.container === "" && to.container === "")
      throw commandFailed("must specify at least one container source");
    const client = await context.client();
    if (from.container !== "" && to.path === "-") {
      const reply = await client.containers.getArchive(from.container, from.path);
      for await (const bytes of reply.body) await context.stdout.bytes(bytes);
      return 0;
    }
    if (to.container !== "" && from.path === "-") {
      await client.containers.putArchive(to.container, to.path, context.stdin(), {
        copyUIDGID: flags.bool("archive"),
      });
      return 0;
    }
    throw failure("not-implemented", { what: "copying files other than as a tar archive (-)" });
  },
};

/** `container:path` apart; a path that begins with `/` or `.` names no container. */
function splitPath(text: string): { readonly container: string; readonly path: string } {
  const colon = text.indexOf(":");
  if (colon < 0 || text.startsWith("/") || text.startsWith(".")) return { container: "", path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}
