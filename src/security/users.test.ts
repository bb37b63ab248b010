import { describe, expect, test } from "bun:test";
import { resolveUser } from "./users.ts";

const passwd = `root:x:0:0:root:/root:/bin/sh
# a comment
app:x:1000:1000:App,,,:/srv/app:/bin/sh
second:x:1000:7:same id:/second:/bin/sh
1337:x:55:55::/leet:
nohome:x:60:60
huge:x:4294967296:0::/:
huger:x:99999999999999999999:0::/:
word:x:zero:0::/:
short:x
`;
const group = `root:x:0:
app:x:1000:
wheel:x:10:root,app
docker:x:999:app,other
app2:x:1000:app
1338:x:56:
huge:x:2147483648:app3
bad:x:minus:app

`;
const files = { passwd, group };

function ids(spec: string, add: string[] = [], from: { passwd?: string; group?: string } = files): unknown[] {
  const { uid, gid, groups, home } = resolveUser(spec, from, add);
  return [uid, gid, groups, home];
}

describe("resolveUser", () => {
  test.each([
    ["", [0, 0, [0, 10], "/root"]],
    ["root", [0, 0, [0, 10], "/root"]],
    ["0", [0, 0, [0, 10], "/root"]],
    ["app", [1000, 1000, [1000, 10, 999], "/srv/app"]],
    ["1000", [1000, 1000, [1000, 10, 999], "/srv/app"]],
    ["+1000", [1000, 1000, [1000, 10, 999], "/srv/app"]],
    ["second", [1000, 7, [7], "/second"]],
    ["app:", [1000, 1000, [1000, 10, 999], "/srv/app"]],
    ["1000:", [1000, 1000, [1000, 10, 999], "/srv/app"]],
    [":0", [0, 0, [0], "/root"]],
    [":wheel", [0, 10, [10], "/root"]],
    ["app:wheel", [1000, 10, [10], "/srv/app"]],
    ["app:77", [1000, 77, [77], "/srv/app"]],
    ["4711", [4711, 0, [0], "/"]],
    ["4711:4712", [4711, 4712, [4712], "/"]],
    ["2147483647", [2147483647, 0, [0], "/"]],
    ["nohome", [60, 60, [60], "/"]],
    // A number is an id even if a user has it for a name.
    ["1337", [1337, 0, [0], "/"]],
    ["0:1338", [0, 1338, [1338], "/root"]],
  ])("%p", (spec, expected) => {
    expect(ids(spec)).toEqual(expected);
  });

  test("works without files, for ids", () => {
    expect(ids("", [], {})).toEqual([0, 0, [0], "/"]);
    expect(ids("5:6", ["7"], {})).toEqual([5, 6, [6, 7], "/"]);
    expect(() => ids("app", [], {})).toThrow("unable to find user app: no matching entries in passwd file");
    expect(() => ids("5:app", [], {})).toThrow("unable to find group app: no matching entries in group file");
  });

  test("adds groups by name and id", () => {
    expect(ids("app", ["docker", "77", "wheel", "0"])).toEqual([
      1000,
      1000,
      [1000, 10, 999, 77, 0],
      "/srv/app",
    ]);
    expect(() => ids("app", ["nope"])).toThrow(
      "unable to find group nope: no matching entries in group file",
    );
    expect(() => ids("app", [""])).toThrow("unable to find group : no matching entries in group file");
    expect(() => ids("app", ["-1"])).toThrow("uids and gids must be in range 0-2147483647");
  });

  test.each([
    "2147483648",
    "4294967295",
    "4294967296",
    "-1",
    "99999999999999999999",
    "0:4294967296",
    "0:-1",
    "huge",
    "huger",
    "0:huge",
  ])("%p is out of range", (spec) => {
    expect(() => ids(spec)).toThrow("uids and gids must be in range 0-2147483647");
  });

  test.each(["0x0", "root ", " root", " 0", "1e3", "0.0", "Root", "word", "short", "#", "a comment", "1_0"])(
    "%p is a name that nobody has",
    (spec) => {
      expect(() => ids(spec)).toThrow(`unable to find user ${spec}: no matching entries in passwd file`);
    },
  );

  test("only the first colon separates", () => {
    expect(() => ids("app:wheel:x")).toThrow(
      "unable to find group wheel:x: no matching entries in group file",
    );
  });
});
