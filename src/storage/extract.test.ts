import { expect, test } from "bun:test";
import { readTar, writeTar, type EntryInput } from "../image/mod.ts";
import { messageOf } from "../errors/mod.ts";
import { KernelError } from "../kernel/mod.ts";
import { extractInto, type ExtractOptions } from "./extract.ts";
import { FakeSession } from "./fake-session.ts";

async function extracted(
  entries: readonly EntryInput[],
  change: Partial<ExtractOptions> = {},
  session: FakeSession = new FakeSession(),
): Promise<FakeSession> {
  const options = { path: "/tmp", noOverwriteDirNonDir: false, ids: 65_536, ...change };
  await extractInto(session, readTar(writeTar(entries)), options);
  return session;
}

const refusal = (entries: readonly EntryInput[], change: Partial<ExtractOptions> = {}): Promise<string> =>
  extracted(entries, change).then(() => "not refused", messageOf);
const file = (path: string, more: Partial<EntryInput> = {}): EntryInput => ({ type: "file", path, ...more });

test("a name that leaves the directory is refused before anything is done", async () => {
  const session = new FakeSession();
  expect(await extracted([file("../evil")], {}, session).then(() => "", messageOf)).toBe(
    'invalid entry name "../evil"',
  );
  expect(await refusal([file("a/../../evil")])).toBe('invalid entry name "a/../../evil"');
  expect(await refusal([{ type: "hardlink", path: "h", linkPath: "../../etc/passwd" }])).toBe(
    'invalid hardlink target "../../etc/passwd"',
  );
  expect(session.operations).toEqual([]);
});

test("a file: made anew, then its owner, mode and time by its descriptor", async () => {
  const session = await extracted([
    file("f", { mode: 0o4755, uid: 5, gid: 6, size: 1, body: Buffer.from("x") }),
  ]);
  expect(session.operations.map(({ call }) => call)).toEqual([
    "openat2",
    "remove",
    "openat",
    "pwrite64",
    "fchown",
    "fchmod",
    "utimensat",
    "close",
  ]);
});

test("ids that the session doesn't have belong to root, unless all has one owner", async () => {
  const owners = async (change: Partial<ExtractOptions>): Promise<unknown[]> => {
    const session = await extracted([file("f", { uid: 70_000, gid: 65_535 })], change);
    return session.operations.filter(({ call }) => call === "fchown").map(({ args }) => args.slice(1));
  };
  expect(await owners({})).toEqual([[0, 65_535]]);
  expect(await owners({ owner: { uid: 7, gid: 8 } })).toEqual([[7, 8]]);
});

test("attributes of the overlay file system are left out", async () => {
  const xattrs = new Map([
    ["trusted.overlay.opaque", Buffer.from("y")],
    ["user.note", Buffer.from("n")],
  ]);
  const session = await extracted([file("f", { xattrs })]);
  const set = session.operations.filter(({ call }) => call === "fsetxattr");
  expect(set.map(({ args }) => args[1])).toEqual(["user.note"]);
});

test("what was asked not to be replaced is an error in Docker's words", async () => {
  const failing = (call: string, errno: number): FakeSession => {
    const session = new FakeSession();
    session.onRun = (program) => {
      const index = program.operations.findIndex((operation) => operation.call === call);
      if (index >= 0) throw new KernelError(program, index, errno);
    };
    return session;
  };
  const strict = { noOverwriteDirNonDir: true };
  const words = (entries: readonly EntryInput[], call: string, errno: number): Promise<string> =>
    extracted(entries, strict, failing(call, errno)).then(() => "not refused", messageOf);
  expect(await words([file("d")], "unlinkat", 21)).toBe(
    'cannot overwrite directory "d" with non-directory "/tmp"',
  );
  expect(await words([{ type: "directory", path: "g" }], "mkdirat", 17)).toBe(
    'cannot overwrite non-directory "g" with directory "/tmp"',
  );
});

test("the directory itself stays as it is", async () => {
  expect((await extracted([{ type: "directory", path: "./" }, file(".")])).operations).toEqual([]);
});
