/**
 * `caisson push`
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { ProgressMessage } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { canonicalReference, familiarName, parseReference, withDefaultTag } from "../reference.ts";
import { registryAuth } from "../registry-auth.ts";

/** `caisson push` */
export const push: Command = {
  use: "[OPTIONS] NAME[:TAG]",
  flags: [
    { name: "all-tags", short: "a", type: "bool", usage: "Push all tags of an image to the repository" },
    { name: "disable-content-trust", type: "bool", usage: "Skip image signing", shown: "true" },
    {
      name: "platform",
      type: "string",
      usage: `Push a platform-specific manifest as a single-platform image to the registry.
Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
    },
    { name: "quiet", short: "q", type: "bool", usage: "Suppress verbose output" },
  ],
  args: { exact: 1 },
  run: async (context, flags, [name = ""]) => {
    if (!flags.bool("disable-content-trust", true))
      throw failure("not-implemented", { what: "--disable-content-trust=false (signing by Notary)" });
    const given = parseReference(name);
    const all = flags.bool("all-tags");
    const quiet = flags.bool("quiet");
    if (all && given.tag !== undefined) throw commandFailed("tag can't be used with --all-tags/-a");
    const reference = all ? given : withDefaultTag(given);
    if (!all && given.tag === undefined && !quiet)
      context.stdout.line(`Using default tag: ${reference.tag ?? ""}`);
    const auth = registryAuth(reference.registry);
    const platform = flags.string("platform");
    const messages = (await context.client()).images.push(familiarName(reference), {
      ...(reference.tag === undefined ? {} : { tag: reference.tag }),
      ...(auth === undefined ? {} : { auth }),
      ...(platform === undefined || platform === "" ? {} : { platform }),
    });
    const [{ showProgress }, { terminalSize }] = await Promise.all([
      import("../progress.ts"),
      import("../terminal.ts"),
    ]);
    if (quiet) {
      await showProgress(messages as AsyncIterable<ProgressMessage>, {
        output: { text: () => undefined, terminal: false },
      });
      context.stdout.line(canonicalReference(reference));
      return 0;
    }
    const width = context.stdout.terminal ? terminalSize(1).width : 0;
    await showProgress(messages, { output: context.stdout, ...(width === 0 ? {} : { width }) });
    return 0;
  },
};
