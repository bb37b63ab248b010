/**
 * `caisson tag`
 * @module
 */
import { messageOf } from "../../errors/mod.ts";
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { familiarName, parseReference, withDefaultTag, type Reference } from "../reference.ts";

/** `caisson tag` */
export const tag: Command = {
  use: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  flags: [],
  args: { exact: 2 },
  run: async (context, _, [source = "", target = ""]) => {
    const reference = parseTarget(target);
    if (reference.digest !== undefined)
      throw commandFailed("refusing to create a tag with a digest reference");
    const client = await context.client();
    await client.images.tag(source, familiarName(reference), withDefaultTag(reference).tag ?? "");
    return 0;
  },
};

function parseTarget(target: string): Reference {
  try {
    return parseReference(target);
  } catch (error) {
    const what = `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag`;
    throw commandFailed(`${what}: ${messageOf(error)}`, error);
  }
}
