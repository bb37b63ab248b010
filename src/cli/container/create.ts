/**
 * `caisson create`, and the creating half of `run`.
 * @module
 */
import { type Client, ServerError } from "../../client/mod.ts";
import { fs } from "../builtins.ts";
import type { Command, Context } from "../command.ts";
import { failure, isFailure } from "../../errors/mod.ts";
import { commandFailed, textOfError } from "../failure-text.ts";
import { fileProblem } from "../file-problem.ts";
import type { Flags } from "../flags.ts";
import { createFlags } from "./create-flags.ts";
import { createRequest, type CreateRequest } from "./create-body.ts";

/** `caisson create` */
export const create: Command = {
  use: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  flags: createFlags,
  args: { min: 1 },
  interspersed: false,
  run: async (context, flags, args) => {
    checkPull(context, flags, "create");
    const request = readRequest(context, flags, args, "create");
    context.stdout.line(await createContainer(context, await context.client(), request, flags));
    return 0;
  },
};

/** Reads the flags; what is wrong with them ends with a hint, exit code 125, as docker's does. */
export function readRequest(
  context: Context,
  flags: Flags,
  args: readonly string[],
  command: string,
): CreateRequest {
  try {
    return createRequest(flags, args);
  } catch (error) {
    throw withHelp(context, error, command, 125);
  }
}

/** Checks --pull. */
export function checkPull(context: Context, flags: Flags, command: string): void {
  const pull = flags.string("pull") ?? "missing";
  if (["always", "missing", "never", ""].includes(pull)) return;
  const wrong = `invalid pull option: '${pull}': must be one of "always", "missing" or "never"`;
  throw withHelp(context, commandFailed(wrong), command);
}

/** Names and IDs that need no closer look before the engine takes one. */
const plainName = /^[a-z0-9][a-z0-9./:-]*$/;

/** Makes the container, pulling its image when it isn't here. @returns its ID */
export async function createContainer(
  context: Context,
  client: Client,
  request: CreateRequest,
  flags: Flags,
): Promise<string> {
  const { body, ...options } = request;
  const image = body.Image ?? "";
  if (!plainName.test(image)) {
    const { parseReference } = await import("../reference.ts");
    parseReference(image);
  }
  const cidFile = openCidFile(flags.string("cidfile") ?? "");
  try {
    const pull = flags.string("pull") ?? "missing";
    if (pull === "always") await pullQuietly(context, client, image, request.platform, flags);
    if (body.Tty === true && context.stdout.terminal) {
      const { terminalSize } = await import("../terminal.ts");
      const { height, width } = terminalSize(1);
      if (body.HostConfig !== undefined) body.HostConfig.ConsoleSize = [height, width];
    }
    const attempt = (): ReturnType<typeof client.containers.create> =>
      client.containers.create(body, options);
    const answer = await attempt().catch(async (error: unknown) => {
      const missing = error instanceof ServerError && error.status === 404 && pull === "missing";
      if (!missing) throw error;
      const { familiar } = await import("../reference.ts");
      if (!flags.bool("quiet")) context.stderr.line(`Unable to find image '${familiar(image)}' locally`);
      await pullQuietly(context, client, image, request.platform, flags);
      return attempt();
    });
    for (const warning of answer.Warnings ?? []) context.stderr.line(`WARNING: ${warning}`);
    const id = answer.Id ?? "";
    cidFile.write(id);
    return id;
  } finally {
    cidFile.close();
  }
}

async function pullQuietly(
  context: Context,
  client: Client,
  image: string,
  platform: string | undefined,
  flags: Flags,
): Promise<void> {
  const { pullImage } = await import("../image/pull.ts");
  await pullImage(client, image, {
    ...(platform === undefined ? {} : { platform }),
    // Standard output is the container's.
    to: flags.bool("quiet") ? undefined : context.stderr,
  });
}

interface CidFile {
  write(id: string): void;
  close(): void;
}

function openCidFile(path: string): CidFile {
  if (path === "") return { write: () => {}, close: () => {} };
  if (fs().existsSync(path)) {
    throw commandFailed(
      `container ID file found, make sure the other container isn't running or delete ${path}`,
    );
  }
  let fd: number;
  try {
    fd = fs().openSync(path, "wx", 0o666);
  } catch (error) {
    throw commandFailed(`failed to create the container ID file: ${fileProblem("open", path, error)}`, error);
  }
  let written = false;
  return {
    write: (id) => {
      fs().writeSync(fd, id);
      written = true;
    },
    close: () => {
      fs().closeSync(fd);
      if (!written) fs().unlinkSync(path);
    },
  };
}

/**
 * An error with docker's hint and exit code: 127 when the command isn't in the image, 126 when it can't be executed, 125
 * for everything else. docker tells them apart by their texts.
 */
export function withHelp(context: Context, error: unknown, command: string, exit?: 125): Error {
  const said = textOfError(error);
  const { program } = context;
  const text = `${program}: ${said}\n\nRun '${program} ${command} --help' for more information`;
  if (exit === 125 || isFailure(error, "no-engine")) return failure("usage", { message: text }, error);
  if (
    /executable file not found|no such file or directory|system cannot find the file specified/.test(said)
  ) {
    return failure("executable-not-found", { text }, error);
  }
  if (/permission denied|is a directory/.test(said)) return failure("not-executable", { text }, error);
  return failure("usage", { message: text }, error);
}
