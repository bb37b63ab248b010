/**
 * Paths in a container's root, as a process that is chrooted there would resolve them: no link leads out of it.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { decodeName, type Path } from "../image/mod.ts";
import { errnoNumbers, errnoText, flags, O, openInRoot, ProgramBuilder, type Int } from "../kernel/mod.ts";
import { nameArgument } from "./attributes.ts";
import { openDirectory } from "./directories.ts";
import { addStat, isLink, parseStat, type Stat } from "./stat.ts";
import { viewSlots, type ViewSession } from "./view-session.ts";

/** What is at a path. */
export interface Look {
  readonly stat: Stat;
  /** Of a symbolic link: where it leads in the end, as far as that is there. */
  readonly target: string;
}

/** As many links as Go follows. */
const mostLinks = 255;
const longestLink = 4096;
const missing = ["ENOENT", "ENOTDIR", "ELOOP"] as const;

/**
 * Looks at the path, of a link at its end at the link itself. Throws `not-found` if there is nothing, and what the kernel
 * says, in Docker's words, otherwise.
 */
export async function lookAt(session: ViewSession, path: string): Promise<Look> {
  const stat = await statPath(session, path, flags(O, "PATH", "NOFOLLOW", "CLOEXEC"), `lstat ${path}`);
  if (!isLink(stat)) return { stat, target: "" };
  return { stat, target: await followLinks(session, path) };
}

/** What is at the path, links followed. Throws like {@link lookAt}. */
export async function lookThrough(session: ViewSession, path: string): Promise<Stat> {
  return await statPath(session, path, flags(O, "PATH", "CLOEXEC"), "");
}

/** Has what is at the path, a directory, take the top's place. */
export async function enterTop(session: ViewSession, path: string): Promise<void> {
  const b = new ProgramBuilder();
  const { top } = viewSlots(b);
  openInRoot(b, `open ${path}`, top, path, top, { how: flags(O, "RDONLY", "DIRECTORY", "CLOEXEC") });
  await session.run(b.build());
}

/**
 * The path with every link in it followed, without `.` and `..`. What isn't there stays as it is, as in Docker's
 * FollowSymlinkInScope. Throws `internal` if links go round in circles.
 */
export async function followLinks(session: ViewSession, path: string): Promise<string> {
  const done: string[] = [];
  const left = path.split("/").toReversed();
  let links = 0;
  for (let component = left.pop(); component !== undefined; component = left.pop()) {
    if (component === "" || component === ".") continue;
    if (component === "..") {
      done.pop();
      continue;
    }
    const target = await readLink(session, done, component);
    if (target === undefined) {
      done.push(component);
      continue;
    }
    if (++links > mostLinks)
      throw failure("invalid-parameter", { message: `evalSymlinksInScope: too many links in ${path}` });
    if (target.startsWith("/")) done.length = 0;
    left.push(...target.split("/").toReversed());
  }
  return `/${done.join("/")}`;
}

async function readLink(session: ViewSession, directory: Path, name: string): Promise<string | undefined> {
  const b = new ProgramBuilder();
  const { top, scratch } = viewSlots(b);
  const out = b.out(longestLink);
  openDirectory(b, top, directory, scratch, { way: "mounts", tolerate: missing });
  const args = [scratch, nameArgument(name), out, longestLink];
  const read = b.call(`where does ${name} lead?`, "readlinkat", args, { optional: true, tolerate: "any" });
  const outcome = await session.run(b.build());
  const length = outcome.valueOf(read) ?? -1;
  return length < 0 ? undefined : decodeName(outcome.bytesOf(out).subarray(0, length));
}

async function statPath(session: ViewSession, path: string, how: Int, doing: string): Promise<Stat> {
  if (path.includes("\0")) throw failure("invalid-parameter", { message: "invalid argument" });
  const b = new ProgramBuilder();
  const { top, file } = viewSlots(b);
  const opened = openInRoot(b, `look for ${path}`, top, path, file, { how, tolerate: "any" });
  const { out } = addStat(b, `look at ${path}`, file, "");
  const outcome = await session.run(b.build());
  const error = outcome.valueOf(opened) ?? -errnoNumbers.ENOENT;
  if (error >= 0) return parseStat(outcome.bytesOf(out));
  if (error === -errnoNumbers.ENOENT) throw failure("not-found", { message: path });
  const through = doing === "";
  if (through && error === -errnoNumbers.ELOOP)
    throw failure("invalid-parameter", { message: "EvalSymlinks: too many links" });
  throw failure("invalid-parameter", { message: `${through ? "" : `${doing}: `}${errnoText(-error)}` });
}
