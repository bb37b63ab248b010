/**
 * `caisson import`
 * @module
 */
import type { Command } from "../command.ts";
import { readFileStream } from "../files.ts";
import { showProgress } from "../progress.ts";
import { familiarName, parseReference } from "../reference.ts";

/** `caisson import` */
export const importImage: Command = {
  use: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  flags: [
    {
      name: "change",
      short: "c",
      type: "list",
      usage: "Apply Dockerfile instruction to the created image",
    },
    { name: "message", short: "m", type: "string", usage: "Set commit message for imported image" },
    { name: "platform", type: "string", usage: "Set platform if server is multi-platform capable" },
  ],
  args: { min: 1 },
  run: async (context, flags, [source = "", name = ""]) => {
    const url = /^(?:https?|git|ssh|ftp):\/\//.test(source);
    const archive = source === "-" ? context.stdin() : url ? undefined : readFileStream(source);
    const reference = name === "" ? undefined : parseReference(name);
    const message = flags.string("message");
    const platform = flags.string("platform");
    const messages = (await context.client()).images.import(
      {
        source: url ? source : "-",
        ...(reference === undefined ? {} : { repo: familiarName(reference) }),
        ...(reference?.tag === undefined ? {} : { tag: reference.tag }),
        ...(message === undefined ? {} : { message }),
        ...(platform === undefined ? {} : { platform }),
        changes: flags.list("change"),
      },
      archive,
    );
    await showProgress(messages, { output: context.stdout });
    return 0;
  },
};
