/**
 * `caisson cp`
 * @module
 */
import { pathStatOf, type Client } from "../../client/mod.ts";
import { readTar, writeTar } from "../../image/tar/mod.ts";
import { fs, path } from "../builtins.ts";
import type { Command, Context } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { fileProblem } from "../file-problem.ts";
import { humanSize } from "../units.ts";
import {
  localPath,
  planCopy,
  renamed,
  resolvedSource,
  splitEntry,
  type CopySource,
  type CopyTarget,
} from "./copy-plan.ts";
import { extractLocally } from "./local-extract.ts";
import { localEntries } from "./local-tree.ts";

/** `caisson cp` */
export const cp: Command = {
  use: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  long: `Copy files/folders between a container and the local filesystem

Use '-' as the source to read a tar archive from stdin
and extract it to a directory destination in a container.
Use '-' as the destination to stream a tar archive of a
container source to stdout.`,
  flags: [
    {
      name: "archive",
      short: "a",
      type: "bool",
      usage: "Archive mode (copy all uid/gid information)",
    },
    { name: "follow-link", short: "L", type: "bool", usage: "Always follow symbol link in SRC_PATH" },
    {
      name: "quiet",
      short: "q",
      type: "bool",
      usage:
        "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
    },
  ],
  args: { exact: 2 },
  run: async (context, flags, [source = "", target = ""]) => {
    if (source === "") throw commandFailed("source can not be empty");
    if (target === "") throw commandFailed("destination can not be empty");
    const from = splitArgument(source);
    const to = splitArgument(target);
    if (from.container !== "" && to.container !== "")
      throw commandFailed("copying between containers is not supported");
    if (from.container === "" && to.container === "")
      throw commandFailed("must specify at least one container source");
    const options = {
      follow: flags.bool("follow-link"),
      owners: flags.bool("archive"),
      quiet: flags.bool("quiet", !context.stdout.terminal),
    };
    if (to.container === "") await copyOut(context, from, to.path, options);
    else await copyIn(context, from.path, to, options);
    return 0;
  },
};

interface Place {
  readonly container: string;
  readonly path: string;
}

interface CopyOptions {
  readonly follow: boolean;
  readonly owners: boolean;
  readonly quiet: boolean;
}

const modeDirectory = 2 ** 31;
const modeSymlink = 2 ** 27;
const is = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;

/** Container and path apart; a path that begins with `/` or `.` names no container. */
function splitArgument(text: string): Place {
  const colon = text.indexOf(":");
  if (colon < 0 || text.startsWith("/") || text.startsWith(".")) return { container: "", path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

async function copyOut(context: Context, from: Place, to: string, options: CopyOptions): Promise<void> {
  const client = await context.client();
  const target = to === "-" ? "-" : localPath(to);
  if (target !== "-") checkOutput(target);
  const { path: wanted, name } = options.follow
    ? await followed(client, from)
    : { path: from.path, name: undefined };
  const reply = await client.containers.getArchive(from.container, wanted);
  if (target === "-") {
    for await (const bytes of reply.body) await context.stdout.bytes(bytes);
    return;
  }
  const counted = new Counted(reply.body);
  const source: CopySource = {
    path: wanted,
    directory: is(pathStatOf(reply).mode, modeDirectory),
    ...(name === undefined ? {} : { name }),
  };
  const plan = planCopy(source, localTarget(target));
  // The name that a link had is given back before what is in the archive gets a new one.
  const own = name === undefined ? undefined : ([splitEntry(wanted).base, name] as const);
  const entries = renamed(renamed(readTar(counted, { what: "archive" }), own), plan.rename);
  await extractLocally(entries, plan.directory);
  report(context, options, counted, target);
}

/** Where a link in a container leads, under the name that it has. */
async function followed(
  client: Client,
  { container, path: wanted }: Place,
): Promise<Omit<CopySource, "directory">> {
  const stat = await client.containers.statPath(container, wanted);
  if (stat === undefined || !is(stat.mode, modeSymlink)) return { path: wanted };
  return resolvedSource(wanted, path().posix.resolve("/", splitEntry(wanted).directory, stat.linkTarget));
}

async function copyIn(context: Context, from: string, to: Place, options: CopyOptions): Promise<void> {
  const client = await context.client();
  const target = await containerTarget(client, to);
  if (from === "-") {
    if (!target.directory)
      throw commandFailed(`destination "${to.container}:${to.path}" must be a directory`);
    await client.containers.putArchive(to.container, target.path, context.stdin(), {
      copyUIDGID: options.owners,
      noOverwriteDirNonDir: true,
    });
    return;
  }
  const source = localSource(localPath(from), options.follow);
  const plan = planCopy(source, target);
  const { base } = splitEntry(source.path);
  const entries = localEntries(source.path, source.name ?? (base === "/" ? "" : base));
  const counted = new Counted(writeTar(renamed(entries, plan.rename)));
  await client.containers.putArchive(to.container, plan.directory, counted, {
    copyUIDGID: options.owners,
    noOverwriteDirNonDir: true,
  });
  report(context, options, counted, `${to.container}:${target.path}`);
}

/** What is copied to. What can't be looked at may yet be made: the engine says so otherwise. */
async function containerTarget(client: Client, { container, path: wanted }: Place): Promise<CopyTarget> {
  const stat = await client.containers.statPath(container, wanted);
  if (stat === undefined) return { path: wanted, exists: false, directory: false };
  if (!is(stat.mode, modeSymlink))
    return { path: wanted, exists: true, directory: is(stat.mode, modeDirectory) };
  const linked = path().posix.resolve("/", splitEntry(wanted).directory, stat.linkTarget);
  const behind = await client.containers.statPath(container, linked);
  return {
    path: linked,
    exists: behind !== undefined,
    directory: behind !== undefined && is(behind.mode, modeDirectory),
  };
}

function localSource(wanted: string, follow: boolean): CopySource {
  try {
    const resolved = follow ? resolvedSource(wanted, fs().realpathSync(wanted)) : { path: wanted };
    return { ...resolved, directory: fs().lstatSync(resolved.path).isDirectory() };
  } catch (error) {
    throw commandFailed(fileProblem("lstat", wanted, error), error);
  }
}

function localTarget(wanted: string): CopyTarget {
  const stat = fs().statSync(wanted, { throwIfNoEntry: false });
  return { path: wanted, exists: stat !== undefined, directory: stat?.isDirectory() === true };
}

/** Says what can't be written to, before anything is asked for. */
function checkOutput(target: string): void {
  const parent = path().dirname(
    path()
      .normalize(target)
      .replace(/(.)\/$/, "$1"),
  );
  if (fs().statSync(parent, { throwIfNoEntry: false }) === undefined)
    throw commandFailed(`invalid output path: directory ${JSON.stringify(parent)} does not exist`);
  const stat = fs().statSync(target, { throwIfNoEntry: false });
  if (stat === undefined || stat.isDirectory() || stat.isFile()) return;
  const kind = stat.isBlockDevice() || stat.isCharacterDevice() ? "got a device" : "got an irregular file";
  throw commandFailed(
    `invalid output path: ${JSON.stringify(target)} must be a directory or a regular file: ${kind}`,
  );
}

function report(context: Context, { quiet }: CopyOptions, { bytes }: Counted, target: string): void {
  if (!quiet) context.stderr.line(`Successfully copied ${humanSize(bytes, 3)} to ${target}`);
}

/** Bytes that went through. */
class Counted implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of this.#source) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}
