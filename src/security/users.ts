/**
 * Who a container's process runs as: Docker's `user[:group]` and `--group-add`, looked up in the image's passwd and
 * group files. The caller reads the files, with a limit on their size; nothing here touches the disk.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** Contents of the image's files; absent where the image has none. */
export interface UserFiles {
  /** /etc/passwd */
  readonly passwd?: string;
  /** /etc/group */
  readonly group?: string;
}

/** A user as the kernel wants it. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, the primary one first, as Docker sets them. */
  readonly groups: readonly number[];
  /** For $HOME; `/` where the image doesn't say. */
  readonly home: string;
}

/** Docker's limit: ids above it are negative to programs that keep them in an int. */
const maxId = 0x7fffffff;

/**
 * Resolves Docker's user string. A number is an id and never looked up as a name; a group that is given replaces the
 * user's own groups.
 * @param spec `""` (root), `user`, `uid`, `user:group`, `uid:gid`, `:group` …
 * @param groupAdd `--group-add`: names or ids
 * @throws internal in Docker's words: `unable to find user foo: no matching entries in passwd file`
 */
export function resolveUser(spec: string, files: UserFiles, groupAdd: readonly string[] = []): ResolvedUser {
  const colon = spec.indexOf(":");
  const user = principal(colon < 0 ? spec : spec.slice(0, colon));
  const group = principal(colon < 0 ? "" : spec.slice(colon + 1));
  const entry = find(users(files.passwd ?? ""), user ?? { name: "0", id: 0 });
  if (entry === undefined && user !== undefined && user.id === undefined)
    throw unknown(`unable to find user ${user.name}: no matching entries in passwd file`);
  const uid = inRange(entry?.id ?? user?.id ?? 0);
  let gid = inRange(entry?.gid ?? 0);
  const groups: number[] = [];
  if (group !== undefined) gid = groupId(group, files.group ?? "");
  else if (entry !== undefined) {
    for (const { id, members } of groupsIn(files.group ?? "")) {
      if (members.includes(entry.name)) groups.push(inRange(id));
    }
  }
  const added = groupAdd.map((name) =>
    groupId(principal(name) ?? { name, id: undefined }, files.group ?? ""),
  );
  return { uid, gid, groups: [...new Set([gid, ...groups, ...added])], home: entry?.home || "/" };
}

/** Part of a user string: an id if it is a number in Go's eyes (strconv.Atoi), a name otherwise. */
interface Principal {
  readonly name: string;
  readonly id: number | undefined;
}

function principal(text: string): Principal | undefined {
  if (text === "") return undefined;
  return { name: text, id: /^[+-]?\d+$/.test(text) ? inRange(Number(text)) : undefined };
}

function groupId(group: Principal, file: string): number {
  const id = find(groupsIn(file), group)?.id ?? group.id;
  if (id === undefined)
    throw unknown(`unable to find group ${group.name}: no matching entries in group file`);
  return inRange(id);
}

function find<T extends { readonly name: string; readonly id: number }>(
  entries: Iterable<T>,
  { name, id }: Principal,
): T | undefined {
  for (const entry of entries) if (id === undefined ? entry.name === name : entry.id === id) return entry;
  return undefined;
}

interface User {
  readonly name: string;
  readonly id: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly id: number;
  readonly members: readonly string[];
}

/** passwd(5). Docker reads a malformed id as 0, which is root; here such a line is no entry. */
function* users(file: string): Generator<User> {
  for (const line of lines(file)) {
    const [name = "", , uid = "", gid = "", , home = ""] = line.split(":");
    if (isNumber(uid) && isNumber(gid)) yield { name, id: Number(uid), gid: Number(gid), home };
  }
}

/** group(5), likewise. */
function* groupsIn(file: string): Generator<Group> {
  for (const line of lines(file)) {
    const [name = "", , gid = "", members = ""] = line.split(":");
    if (isNumber(gid)) yield { name, id: Number(gid), members: members.split(",") };
  }
}

/** Lines without surrounding white space, empty ones and comments. */
function* lines(file: string): Generator<string> {
  for (const line of file.split("\n")) {
    const text = line.trim();
    if (text !== "" && !text.startsWith("#")) yield text;
  }
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

function inRange(id: number): number {
  if (id >= 0 && id <= maxId) return id;
  throw unknown(`uids and gids must be in range 0-${maxId}`);
}

function unknown(message: string): Error {
  return failure("internal", { message });
}
