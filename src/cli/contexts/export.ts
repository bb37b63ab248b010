/**
 * `caisson context export|import`
 * @module
 */
import { fs } from "../builtins.ts";
import type { Command, Context } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { fileProblem } from "../file-problem.ts";
import { isTerminal } from "../output.ts";
import { packContext, unpackContext } from "./archive.ts";
import { defaultDescription, defaultHost } from "./create.ts";
import { configurationFolder } from "./current.ts";
import { checkContextName, ContextStore, type StoredContext } from "./store.ts";

/** `caisson context export` */
export const exportContext: Command = {
  use: "[OPTIONS] CONTEXT [FILE|-]",
  flags: [],
  args: { min: 1, max: 2 },
  run: async (context, _, [name = "", target = `${name}.dockercontext`]) => {
    const archive = packContext(...stored(context, name));
    if (target === "-") {
      if (isTerminal(1))
        throw commandFailed("cowardly refusing to export to a terminal, specify a file path");
      await context.stdout.bytes(archive);
      return 0;
    }
    try {
      fs().writeFileSync(target, archive, { mode: 0o600, flag: "wx" });
    } catch (error) {
      throw commandFailed(fileProblem("open", target, error), error);
    }
    context.stderr.line(`Written file ${JSON.stringify(target)}`);
    return 0;
  },
};

function stored({ globals }: Context, name: string): Parameters<typeof packContext> {
  if (name === "default") {
    const docker = { Host: defaultHost(globals), SkipTLSVerify: false };
    const own: StoredContext = {
      Name: name,
      Metadata: { Description: defaultDescription },
      Endpoints: { docker },
    };
    return [own, new Map()];
  }
  checkContextName(name);
  const store = new ContextStore(configurationFolder(globals));
  return [store.read(name), store.material(name)];
}

/** `caisson context import` */
export const importContext: Command = {
  use: "CONTEXT FILE|-",
  flags: [],
  args: { exact: 2 },
  run: async (context, _, [name = "", source = ""]) => {
    checkContextName(name);
    const store = new ContextStore(configurationFolder(context.globals));
    if (store.has(name)) throw commandFailed(`context ${JSON.stringify(name)} already exists`);
    const read = unpackContext(await bytesOf(context, source));
    store.write({ ...read.context, Name: name }, read.material);
    context.stdout.line(name);
    context.stderr.line(`Successfully imported context ${JSON.stringify(name)}`);
    return 0;
  },
};

async function bytesOf(context: Context, source: string): Promise<Uint8Array> {
  if (source === "-") {
    const pieces: Uint8Array[] = [];
    for await (const piece of context.stdin()) pieces.push(piece);
    return Buffer.concat(pieces);
  }
  try {
    return fs().readFileSync(source);
  } catch (error) {
    throw commandFailed(fileProblem("open", source, error), error);
  }
}
