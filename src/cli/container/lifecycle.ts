/**
 * `caisson stop, kill, restart, pause, unpause, rm, rename, wait`: the same thing to each container that is named.
 * @module
 */
import { type Client, ServerError } from "../../client/mod.ts";
import type { Command, Context } from "../command.ts";
import { commandFailed, joined, textOfError } from "../failure-text.ts";
import type { Flags, FlagSpec } from "../flags.ts";

/** As many requests at once as docker makes. */
const parallel = 50;

const many = { use: "CONTAINER [CONTAINER...]", args: { min: 1 } } as const;
const withOptions = { use: "[OPTIONS] CONTAINER [CONTAINER...]", args: { min: 1 } } as const;

/**
 * Does `work` to each of `names`, several at once, and prints what it answers in their order. Errors come last, all of
 * them.
 */
async function each(
  context: Context,
  names: readonly string[],
  work: (name: string, client: Client) => Promise<string | undefined>,
): Promise<number> {
  const client = await context.client();
  const results: Promise<string | undefined>[] = [];
  names.forEach((name, index) => {
    const turn = results[index - parallel]?.catch(() => {}) ?? Promise.resolve();
    const result = turn.then(() => work(name, client));
    result.catch(() => {});
    results.push(result);
  });
  const errors: unknown[] = [];
  for (const result of results) {
    try {
      const line = await result;
      if (line !== undefined) context.stdout.line(line);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw joined(errors);
  return 0;
}

const signalFlag: FlagSpec = {
  name: "signal",
  short: "s",
  type: "string",
  usage: "Signal to send to the container",
};
const timeoutFlag: FlagSpec = {
  name: "timeout",
  short: "t",
  type: "int",
  usage: "Seconds to wait before killing the container",
  formerly: ["time"],
};

function stopOptions(flags: Flags): { readonly signal?: string; readonly timeout?: number } {
  const signal = flags.string("signal");
  const timeout = flags.int("timeout");
  return {
    ...(signal === undefined || signal === "" ? {} : { signal }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

/** `caisson stop` */
export const stop: Command = {
  ...withOptions,
  flags: [signalFlag, timeoutFlag],
  run: (context, flags, names) =>
    each(context, names, async (name, client) => {
      await client.containers.stop(name, stopOptions(flags));
      return name;
    }),
};

/** `caisson restart` */
export const restart: Command = {
  ...withOptions,
  flags: [signalFlag, timeoutFlag],
  run: (context, flags, names) =>
    each(context, names, async (name, client) => {
      await client.containers.restart(name, stopOptions(flags));
      return name;
    }),
};

/** `caisson kill` */
export const kill: Command = {
  ...withOptions,
  flags: [signalFlag],
  run: (context, flags, names) =>
    each(context, names, async (name, client) => {
      await client.containers.kill(name, flags.string("signal"));
      return name;
    }),
};

/** `caisson pause` */
export const pause: Command = {
  ...many,
  flags: [],
  run: (context, _, names) =>
    each(context, names, async (name, client) => {
      await client.containers.pause(name);
      return name;
    }),
};

/** `caisson unpause` */
export const unpause: Command = {
  ...many,
  flags: [],
  run: (context, _, names) =>
    each(context, names, async (name, client) => {
      await client.containers.unpause(name);
      return name;
    }),
};

/** `caisson rm` */
export const rm: Command = {
  ...withOptions,
  flags: [
    {
      name: "force",
      short: "f",
      type: "bool",
      usage: "Force the removal of a running container (uses SIGKILL)",
    },
    { name: "link", short: "l", type: "bool", usage: "Remove the specified link" },
    {
      name: "volumes",
      short: "v",
      type: "bool",
      usage: "Remove anonymous volumes associated with the container",
    },
  ],
  run: (context, flags, names) =>
    each(context, names, async (name, client) => {
      const bare = name.replace(/^\/+|\/+$/g, "");
      if (bare === "") throw commandFailed("container name cannot be empty");
      const force = flags.bool("force");
      try {
        await client.containers.remove(bare, {
          force,
          volumes: flags.bool("volumes"),
          link: flags.bool("link"),
        });
      } catch (error) {
        // Forcing a container away that isn't there has what it wanted, but docker says what it didn't find.
        if (!force || !(error instanceof ServerError) || error.status !== 404) throw error;
        context.stderr.line(`Error response from daemon: ${error.message}`);
        return undefined;
      }
      return name;
    }),
};

/** `caisson wait` */
export const wait: Command = {
  ...many,
  flags: [],
  run: async (context, _, names) => {
    const client = await context.client();
    const errors: unknown[] = [];
    for (const name of names) {
      try {
        const { status } = await client.containers.wait(name);
        context.stdout.line(String((await status).StatusCode));
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw joined(errors);
    return 0;
  },
};

/** `caisson rename` */
export const rename: Command = {
  use: "CONTAINER NEW_NAME",
  args: { exact: 2 },
  flags: [],
  run: async (context, _, [from = "", to = ""]) => {
    if (from.trim() === "" || to.trim() === "") {
      throw commandFailed("Error: Neither old nor new names may be empty");
    }
    const client = await context.client();
    try {
      await client.containers.rename(from, to);
    } catch (error) {
      throw commandFailed(`${textOfError(error)}\nError: failed to rename container named ${from}`, error);
    }
    return 0;
  },
};
