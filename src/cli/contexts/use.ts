/**
 * `caisson context use|show|rm`
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed, joined } from "../failure-text.ts";
import { configurationFolder, currentContext, rememberContext } from "./current.ts";
import { checkContextName, ContextStore } from "./store.ts";

/** `caisson context use` */
export const useContext: Command = {
  use: "CONTEXT",
  flags: [],
  args: { exact: 1 },
  run: async ({ globals, stdout, stderr }, _, [name = ""]) => {
    const folder = configurationFolder(globals);
    if (name !== "default") {
      checkContextName(name);
      new ContextStore(folder).read(name);
    }
    rememberContext(folder, name);
    stdout.line(name);
    stderr.line(`Current context is now ${JSON.stringify(name)}`);
    const { overriddenBy } = currentContext(globals);
    if (name !== "default" && overriddenBy !== undefined) {
      stderr.line(
        `Warning: ${overriddenBy} environment variable overrides the active context. To use ${JSON.stringify(name)}, either set the global --context flag, or unset ${overriddenBy} environment variable.`,
      );
    }
    return 0;
  },
};

/** `caisson context show` */
export const showContext: Command = {
  use: "",
  flags: [],
  args: { exact: 0 },
  run: async ({ globals, stdout }) => {
    stdout.line(currentContext(globals).name);
    return 0;
  },
};

/** `caisson context rm` */
export const removeContexts: Command = {
  use: "CONTEXT [CONTEXT...]",
  flags: [{ name: "force", short: "f", type: "bool", usage: "Force the removal of a context in use" }],
  args: { min: 1 },
  run: async ({ globals, stdout }, flags, names) => {
    const folder = configurationFolder(globals);
    const store = new ContextStore(folder);
    const current = currentContext(globals).name;
    const force = flags.bool("force");
    const problems: unknown[] = [];
    for (const name of names) {
      if (name === "default") problems.push(commandFailed('context "default" cannot be removed'));
      else if (!force && !store.has(name))
        problems.push(commandFailed(`context ${JSON.stringify(name)} does not exist`));
      else if (!force && name === current)
        problems.push(
          commandFailed(`context ${JSON.stringify(name)} is in use, set -f flag to force remove`),
        );
      else {
        if (name === current) rememberContext(folder, "default");
        store.remove(name);
        stdout.line(name);
      }
    }
    if (problems.length > 0) throw joined(problems);
    return 0;
  },
};
