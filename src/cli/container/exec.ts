/**
 * `caisson exec`
 * @module
 */
import type { ExecConfig } from "@docker/node-sdk";
import type { Client } from "../../client/mod.ts";
import { isFailure } from "../../errors/mod.ts";
import type { Command, Context } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { readKeyValues, takeVariable } from "../key-values.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import { checkTty, startSession } from "./session.ts";

/** `caisson exec` */
export const exec: Command = {
  use: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  flags: [
    { name: "detach", short: "d", type: "bool", usage: "Detached mode: run command in the background" },
    {
      name: "detach-keys",
      type: "string",
      usage: "Override the key sequence for detaching a container",
    },
    { name: "env", short: "e", type: "list", usage: "Set environment variables", take: takeVariable },
    { name: "env-file", type: "list", usage: "Read in a file of environment variables" },
    { name: "interactive", short: "i", type: "bool", usage: "Keep STDIN open even if not attached" },
    { name: "privileged", type: "bool", usage: "Give extended privileges to the command" },
    { name: "tty", short: "t", type: "bool", usage: "Allocate a pseudo-TTY" },
    {
      name: "user",
      short: "u",
      type: "string",
      usage: 'Username or UID (format: "<name|uid>[:<group|gid>]")',
    },
    { name: "workdir", short: "w", type: "string", usage: "Working directory inside the container" },
  ],
  args: { min: 2 },
  interspersed: false,
  run: async (context, flags, [name = "", ...command]) => {
    const detach = flags.bool("detach");
    const detachKeys = flags.string("detach-keys") ?? "";
    parseDetachKeys(detachKeys);
    const tty = flags.bool("tty");
    const stdin = !detach && flags.bool("interactive");
    const config: ExecConfig = {
      User: flags.string("user") ?? "",
      Privileged: flags.bool("privileged"),
      Tty: tty,
      Cmd: command,
      WorkingDir: flags.string("workdir") ?? "",
      Env: [...readKeyValues(flags.list("env-file"), flags.list("env"), true)],
      AttachStdin: stdin,
      AttachStdout: !detach,
      AttachStderr: !detach,
      ...(detachKeys === "" ? {} : { DetachKeys: detachKeys }),
    };
    const client = await context.client();
    // An exec that was created is never removed: whether the container is there and the terminal fits is checked before.
    if (stdin && tty && !context.stdinTerminal) await client.containers.inspect(name);
    if (!detach) checkTty(context, stdin, tty);
    const size = tty ? await consoleSize() : undefined;
    if (size !== undefined) config.ConsoleSize = [...size];
    const { Id: id } = await client.execs.create(name, config);
    if (id === "") throw commandFailed("exec ID empty");
    const start = { Tty: tty, ...(size === undefined ? {} : { ConsoleSize: size }) };
    if (detach) {
      await client.execs.startDetached(id, start);
      return 0;
    }
    const connection = await client.execs.attach(id, start);
    const streams = { stdin, stdout: true, stderr: true };
    const session = await startSession(context, { connection, tty, ...streams, detachKeys });
    if (tty && context.stdinTerminal) {
      const { followSize } = await import("./tty-size.ts");
      await followSize(context, (to) => client.execs.resize(id, to));
    }
    if ((await session.done) === "detached") {
      context.stderr.line("read escape sequence");
      return 1;
    }
    return execStatus(context, client, id);
  },
};

async function consoleSize(): Promise<readonly [number, number]> {
  const { terminalSize } = await import("../terminal.ts");
  const { height, width } = terminalSize(1);
  return [height, width];
}

async function execStatus(context: Context, client: Client, id: string): Promise<number> {
  try {
    return (await client.execs.inspect(id)).ExitCode ?? 0;
  } catch (error) {
    // The engine is gone: the exit code is nobody's to tell.
    if (!isFailure(error, "no-engine")) throw error;
    context.stderr.line(error.message);
    return 255;
  }
}
