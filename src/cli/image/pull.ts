/**
 * `caisson pull`, and pulling for `run` and `create`.
 * @module
 */
import type { Client } from "../../client/mod.ts";
import { failure } from "../../errors/mod.ts";
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import type { Output } from "../output.ts";
import {
  canonicalReference,
  familiarName,
  parseReference,
  tagOrDigest,
  withDefaultTag,
} from "../reference.ts";

/** `caisson pull` */
export const pull: Command = {
  use: "[OPTIONS] NAME[:TAG|@DIGEST]",
  flags: [
    {
      name: "all-tags",
      short: "a",
      type: "bool",
      usage: "Download all tagged images in the repository",
    },
    { name: "disable-content-trust", type: "bool", usage: "Skip image verification", shown: "true" },
    { name: "platform", type: "string", usage: "Set platform if server is multi-platform capable" },
    { name: "quiet", short: "q", type: "bool", usage: "Suppress verbose output" },
  ],
  args: { exact: 1 },
  run: async (context, flags, [name = ""]) => {
    if (!flags.bool("disable-content-trust", true)) {
      throw failure("not-implemented", { what: "--disable-content-trust=false (verification by Notary)" });
    }
    const given = parseReference(name);
    const bare = given.tag === undefined && given.digest === undefined;
    const all = flags.bool("all-tags");
    const quiet = flags.bool("quiet");
    if (all && !bare) throw commandFailed("tag can't be used with --all-tags/-a");
    const reference = all ? given : withDefaultTag(given);
    if (bare && !all && !quiet) context.stdout.line(`Using default tag: ${reference.tag ?? ""}`);
    const platform = flags.string("platform") ?? process.env["DOCKER_DEFAULT_PLATFORM"];
    await pullImage(await context.client(), name, {
      all,
      to: quiet ? undefined : context.stdout,
      ...(platform === undefined || platform === "" ? {} : { platform }),
    });
    context.stdout.line(canonicalReference(reference));
    return 0;
  },
};

/** What to pull and where its progress goes; nowhere when `to` is undefined. */
export interface PullOptions {
  readonly platform?: string;
  /** Every tag of the repository. */
  readonly all?: boolean;
  readonly to: Output | undefined;
}

/** Pulls an image and shows progress. @throws invalid-reference, or what the engine says */
export async function pullImage(client: Client, image: string, options: PullOptions): Promise<void> {
  const given = parseReference(image);
  const reference = options.all === true ? given : withDefaultTag(given);
  const tag = tagOrDigest(reference);
  const { registryAuth } = await import("../registry-auth.ts");
  const auth = registryAuth(reference.registry);
  const messages = client.images.pull(familiarName(reference), {
    ...(tag === undefined ? {} : { tag }),
    ...(options.platform === undefined ? {} : { platform: options.platform }),
    ...(auth === undefined ? {} : { auth }),
  });
  const [{ showProgress }, width] = await Promise.all([import("../progress.ts"), widthOf(options.to)]);
  await showProgress(messages, {
    output: options.to ?? { text: () => {}, terminal: false },
    ...(width === undefined ? {} : { width }),
  });
}

async function widthOf(output: Output | undefined): Promise<number | undefined> {
  if (output?.terminal !== true) return undefined;
  const { terminalSize } = await import("../terminal.ts");
  return terminalSize(1).width || undefined;
}
