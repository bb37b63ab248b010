/**
 * `caisson context inspect`
 * @module
 */
import type { Command, Context } from "../command.ts";
import { commandFailed, joined } from "../failure-text.ts";
import { formatFlag, printer } from "../inspect.ts";
import { defaultHost } from "./create.ts";
import { configurationFolder, currentContext } from "./current.ts";
import { ContextStore } from "./store.ts";

/** `caisson context inspect` */
export const inspectContexts: Command = {
  use: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  flags: [formatFlag],
  args: { min: 0 },
  run: async (context, flags, names) => {
    const print = printer(flags.string("format") ?? "");
    const problems: unknown[] = [];
    const found: string[] = [];
    for (const name of names.length > 0 ? names : [currentContext(context.globals).name]) {
      try {
        found.push(asGo(JSON.stringify(inspected(context, name))));
      } catch (error) {
        problems.push(error);
      }
    }
    const { text, problem } = print(found);
    context.stdout.text(text);
    if (problem !== undefined) problems.push(commandFailed(problem));
    if (problems.length > 0) throw joined(problems);
    return 0;
  },
};

/** Go writes these so that the text can stand in a page. */
function asGo(json: string): string {
  return json.replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026");
}

function inspected({ globals }: Context, name: string): object {
  if (name === "default") {
    return {
      Name: name,
      Metadata: {},
      Endpoints: { docker: { Host: defaultHost(globals), SkipTLSVerify: false } },
      TLSMaterial: {},
      Storage: { MetadataPath: "<IN MEMORY>", TLSPath: "<IN MEMORY>" },
    };
  }
  const store = new ContextStore(configurationFolder(globals));
  const { Metadata, Endpoints } = store.read(name);
  const files = [...store.material(name).keys()];
  return {
    Name: name,
    Metadata,
    Endpoints,
    TLSMaterial: files.length === 0 ? {} : { docker: files },
    Storage: { MetadataPath: store.metadataPath(name), TLSPath: store.tlsPath(name) },
  };
}
