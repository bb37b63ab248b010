import { describe, expect, test } from "bun:test";
import { parseTmpfsFlag, tmpfsOptions } from "./tmpfs-options.ts";

test("--tmpfs takes mount(8)'s words, and names the one that it doesn't know", () => {
  expect(parseTmpfsFlag("")).toEqual([]);
  expect(parseTmpfsFlag("rw,noexec,size=64k,mode=1777,uid=1,mpol=bind:0-3,rprivate")).toHaveLength(7);
  expect(() => parseTmpfsFlag("ro,foo=bar")).toThrow('invalid tmpfs option "foo"');
  expect(() => parseTmpfsFlag("size=")).toThrow('invalid tmpfs option "size"');
  expect(() => parseTmpfsFlag("ro,,rw")).toThrow('invalid tmpfs option ""');
  expect(() => parseTmpfsFlag("bind")).toThrow('invalid tmpfs option "bind"');
});

describe("a mount's options", () => {
  test.each([
    [1, "size=1"],
    [1023, "size=1023"],
    [1024, "size=1k"],
    [1536, "size=1536"],
    [1 << 20, "size=1m"],
    [(1 << 20) + 1024, "size=1025k"],
    [4 * 2 ** 30, "size=4g"],
  ])("%d bytes", (SizeBytes, expected) => {
    expect(tmpfsOptions({ SizeBytes }, false)).toEqual([expected]);
  });

  test("modes are octal; read-only is first", () => {
    expect(tmpfsOptions({ Mode: 0o1777, SizeBytes: 4096 }, true)).toEqual(["ro", "mode=1777", "size=4k"]);
    expect(tmpfsOptions({}, false)).toEqual([]);
  });

  test("only exec and noexec may be among the free ones, in Docker's words", () => {
    expect(tmpfsOptions({ Options: [["exec"], ["noexec"]] }, false)).toEqual(["exec", "noexec"]);
    expect(() => tmpfsOptions({ Options: [["uid", "1000"]] }, false)).toThrow("invalid option: uid");
    expect(() => tmpfsOptions({ Options: [[]] }, false)).toThrow("invalid option array length");
    expect(() => tmpfsOptions({ Options: [["a", "b", "c"]] }, false)).toThrow("invalid option array length");
    expect(() => tmpfsOptions({ SizeBytes: -1 }, false)).toThrow("invalid tmpfs size: -1");
  });
});
