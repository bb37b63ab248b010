/**
 * `caisson run`: create, attach, wait, start; then the container's streams and exit code are this command's.
 * @module
 */
import type { ContainerWaitResponse } from "@docker/node-sdk";
import type { Client } from "../../client/mod.ts";
import type { Command, Context } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import type { Flags } from "../flags.ts";
import { runFlags } from "./create-flags.ts";
import type { CreateRequest } from "./create-body.ts";
import { checkPull, createContainer, readRequest, withHelp } from "./create.ts";
import { checkTty, startSession, type Session } from "./session.ts";

/** `caisson run` */
export const run: Command = {
  use: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  flags: runFlags,
  args: { min: 1 },
  interspersed: false,
  run: async (context, flags, args) => {
    checkPull(context, flags, "run");
    const request = readRequest(context, flags, args, "run");
    const { body } = request;
    if (flags.bool("detach")) {
      if (flags.list("attach").length > 0) {
        throw commandFailed("conflicting options: cannot specify both --attach and --detach");
      }
      Object.assign(body, { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false });
    } else checkTty(context, body.AttachStdin === true, body.Tty === true);
    const keys = flags.string("detach-keys") ?? "";
    if (keys !== "") (await import("./detach-keys.ts")).parseDetachKeys(keys);
    return runRequest(context, await context.client(), request, flags);
  },
};

async function runRequest(
  context: Context,
  client: Client,
  request: CreateRequest,
  flags: Flags,
): Promise<number> {
  const { body } = request;
  const id = await createContainer(context, client, request, flags).catch((error: unknown) => {
    throw withHelp(context, error, "run");
  });
  const attached = body.AttachStdin === true || body.AttachStdout === true || body.AttachStderr === true;
  if (!attached) {
    context.stdout.line(id);
    await start(context, client, id);
    return 0;
  }
  let unforward = (): void => {};
  if (flags.bool("sig-proxy", true)) {
    const { forwardSignals } = await import("./signals.ts");
    unforward = forwardSignals((signal) => client.containers.kill(id, signal));
  }
  const autoRemove = flags.bool("rm");
  const [session, waiting] = await Promise.all([
    attach(context, client, id, request, flags),
    client.containers.wait(id, autoRemove ? "removed" : "next-exit"),
  ]);
  try {
    await start(context, client, id);
  } catch (error) {
    session.stop();
    await session.done.catch(() => {});
    if (autoRemove) await waiting.status.catch(() => {});
    throw error;
  }
  if (body.Tty === true && context.stdout.terminal) {
    const { followSize } = await import("./tty-size.ts");
    await followSize(context, (size) => client.containers.resize(id, size));
  }
  const code = await finish(
    context,
    session,
    waiting.status,
    body.AttachStdout === true || body.AttachStderr === true,
  );
  unforward();
  return code;
}

async function attach(
  context: Context,
  client: Client,
  id: string,
  { body }: CreateRequest,
  flags: Flags,
): Promise<Session> {
  const streams = {
    stdin: body.AttachStdin === true,
    stdout: body.AttachStdout === true,
    stderr: body.AttachStderr === true,
  };
  const detachKeys = flags.string("detach-keys") ?? "";
  const connection = await client.containers.attach(id, {
    ...streams,
    ...(detachKeys === "" ? {} : { detachKeys }),
  });
  return startSession(context, { connection, tty: body.Tty === true, ...streams, detachKeys });
}

async function start(context: Context, client: Client, id: string): Promise<void> {
  try {
    await client.containers.start(id);
  } catch (error) {
    throw withHelp(context, error, "run");
  }
}

/** Waits for the output's end and the exit code. */
async function finish(
  context: Context,
  session: Session,
  status: Promise<ContainerWaitResponse>,
  output: boolean,
): Promise<number> {
  const exit = exitCode(context, status);
  // Without output there is nothing to wait for but the exit.
  if (!output) void exit.then(() => session.stop());
  if ((await session.done) === "detached") return 0;
  return exit;
}

/** The container's exit code; 125 when waiting for it fails. */
export async function exitCode(context: Context, status: Promise<ContainerWaitResponse>): Promise<number> {
  try {
    const { StatusCode, Error: problem } = await status;
    const message = problem?.Message ?? "";
    if (message === "") return StatusCode ?? 0;
    context.stderr.line(`Error waiting for container: ${message}`);
  } catch (error) {
    context.stderr.line(
      `error waiting for container: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return 125;
}
