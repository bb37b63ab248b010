/**
 * `caisson attach`
 * @module
 */
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import { exitCode } from "./run.ts";
import { checkTty, startSession } from "./session.ts";

/** `caisson attach` */
export const attach: Command = {
  use: "[OPTIONS] CONTAINER",
  flags: [
    {
      name: "detach-keys",
      type: "string",
      usage: "Override the key sequence for detaching a container",
    },
    { name: "no-stdin", type: "bool", usage: "Do not attach STDIN" },
    {
      name: "sig-proxy",
      type: "bool",
      usage: "Proxy all received signals to the process",
      shown: "true",
    },
  ],
  args: { exact: 1 },
  run: async (context, flags, [name = ""]) => {
    const client = await context.client();
    const container = await client.containers.inspect(name);
    const { State: state, Config: config, Id: id = name } = container;
    if (state?.Running !== true)
      throw commandFailed("You cannot attach to a stopped container, start it first");
    if (state.Paused === true)
      throw commandFailed("You cannot attach to a paused container, unpause it first");
    if (state.Restarting === true) {
      throw commandFailed("You cannot attach to a restarting container, wait until it is running");
    }
    const detachKeys = flags.string("detach-keys") ?? "";
    parseDetachKeys(detachKeys);
    const tty = config?.Tty === true;
    const stdin = !flags.bool("no-stdin") && config?.OpenStdin === true;
    checkTty(context, stdin, tty);
    const waiting = await client.containers.wait(id);
    if (flags.bool("sig-proxy", true) && !tty) {
      const { forwardSignals } = await import("./signals.ts");
      forwardSignals((signal) => client.containers.kill(id, signal));
    }
    const streams = { stdin, stdout: true, stderr: true };
    const connection = await client.containers.attach(id, {
      ...streams,
      ...(detachKeys === "" ? {} : { detachKeys }),
    });
    const session = await startSession(context, { connection, tty, ...streams, detachKeys });
    if (tty && context.stdout.terminal) {
      const { followSize } = await import("./tty-size.ts");
      await followSize(context, (size) => client.containers.resize(id, size));
    }
    if ((await session.done) === "detached") {
      context.stderr.line("read escape sequence");
      return 1;
    }
    return exitCode(context, waiting.status);
  },
};
