/**
 * `caisson start`
 * @module
 */
import type { Client } from "../../client/mod.ts";
import type { Command, Context } from "../command.ts";
import { commandFailed, textOfError } from "../failure-text.ts";
import type { Flags } from "../flags.ts";

/** `caisson start` */
export const start: Command = {
  use: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: [
    { name: "attach", short: "a", type: "bool", usage: "Attach STDOUT/STDERR and forward signals" },
    { name: "checkpoint", type: "string", usage: "Restore from this checkpoint" },
    { name: "checkpoint-dir", type: "string", usage: "Use a custom checkpoint storage directory" },
    {
      name: "detach-keys",
      type: "string",
      usage: "Override the key sequence for detaching a container",
    },
    { name: "interactive", short: "i", type: "bool", usage: "Attach container's STDIN" },
  ],
  args: { min: 1 },
  run: async (context, flags, names) => {
    if (flags.has("checkpoint") || flags.has("checkpoint-dir")) {
      const { failure } = await import("../../errors/mod.ts");
      throw failure("not-implemented", { what: "restoring a checkpoint" });
    }
    const client = await context.client();
    if (!flags.bool("attach") && !flags.bool("interactive")) return startAll(context, client, names);
    if (names.length > 1) throw commandFailed("you cannot start and attach multiple containers at once");
    return startAttached(context, client, names[0] ?? "", flags);
  },
};

async function startAll(context: Context, client: Client, names: readonly string[]): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await client.containers.start(name);
      context.stdout.line(name);
    } catch (error) {
      context.stderr.line(textOfError(error));
      failed.push(name);
    }
  }
  if (failed.length > 0) throw commandFailed(`Error: failed to start containers: ${failed.join(", ")}`);
  return 0;
}

async function startAttached(context: Context, client: Client, name: string, flags: Flags): Promise<number> {
  const [{ startSession }, { exitCode }, { parseDetachKeys }] = await Promise.all([
    import("./session.ts"),
    import("./run.ts"),
    import("./detach-keys.ts"),
  ]);
  const detachKeys = flags.string("detach-keys") ?? "";
  parseDetachKeys(detachKeys);
  const { Id: id = name, Config: config, HostConfig: host } = await client.containers.inspect(name);
  const tty = config?.Tty === true;
  if (!tty) {
    const { forwardSignals } = await import("./signals.ts");
    forwardSignals((signal) => client.containers.kill(id, signal));
  }
  const streams = {
    stdin: flags.bool("interactive") && config?.OpenStdin === true,
    stdout: true,
    stderr: true,
  };
  const connection = await client.containers.attach(id, {
    ...streams,
    ...(detachKeys === "" ? {} : { detachKeys }),
  });
  const session = await startSession(context, { connection, tty, ...streams, detachKeys });
  const autoRemove = host?.AutoRemove === true;
  const waiting = await client.containers.wait(id, autoRemove ? "removed" : "next-exit");
  try {
    await client.containers.start(id);
  } catch (error) {
    session.stop();
    await session.done.catch(() => {});
    if (autoRemove) await waiting.status.catch(() => {});
    throw error;
  }
  if (tty && context.stdout.terminal) {
    const { followSize } = await import("./tty-size.ts");
    await followSize(context, (size) => client.containers.resize(id, size));
  }
  if ((await session.done) === "detached") return 0;
  return exitCode(context, waiting.status);
}
