/**
 * `caisson commit`
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { familiarName, parseReference } from "../reference.ts";

/** `caisson commit` */
export const commit: Command = {
  use: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  flags: [
    {
      name: "author",
      short: "a",
      type: "string",
      usage: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")',
    },
    {
      name: "change",
      short: "c",
      type: "list",
      usage: "Apply Dockerfile instruction to the created image",
    },
    { name: "message", short: "m", type: "string", usage: "Commit message" },
    { name: "pause", short: "p", type: "bool", usage: "Pause container during commit", shown: "true" },
  ],
  args: { min: 1, max: 2 },
  run: async (context, flags, [container = "", name = ""]) => {
    const reference = name === "" ? undefined : parseReference(name);
    if (reference?.digest !== undefined)
      throw commandFailed("refusing to create a tag with a digest reference");
    const author = flags.string("author");
    const comment = flags.string("message");
    const id = await (
      await context.client()
    ).containers.commit(container, {
      ...(reference === undefined ? {} : { repo: familiarName(reference), tag: reference.tag ?? "latest" }),
      ...(author === undefined ? {} : { author }),
      ...(comment === undefined ? {} : { comment }),
      changes: flags.list("change"),
      pause: flags.bool("pause", true),
    });
    context.stdout.line(id);
    return 0;
  },
};
