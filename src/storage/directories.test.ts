import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder, type Program } from "../kernel/mod.ts";
import { openDirectory, type OpenDirectoryOptions } from "./directories.ts";

function opening(path: readonly string[], options?: OpenDirectoryOptions): Program {
  const b = new ProgramBuilder();
  const count = openDirectory(b, b.slot("root"), path, b.slot("into"), options);
  const program = b.build();
  expect(program.operations).toHaveLength(count);
  return program;
}

test("no link is followed, no mount crossed", () => {
  const shown = printProgram(opening(["a", "b"]));
  expect(shown).toContain('openat2(<root>, "a/b", {flags=O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC,');
  expect(shown).toContain(
    "resolve=RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_XDEV|RESOLVE_BENEATH}",
  );
});

test("the root itself is a dot", () => {
  expect(opening([]).operations[0]?.args[1]).toBe(".");
});

test("a path longer than PATH_MAX is walked in pieces that the kernel takes", () => {
  const path = Array.from({ length: 100 }, (_, at) => `${at}`.padEnd(255, "x"));
  const { operations } = opening(path, { tolerate: ["ENOENT"] });
  const pieces = operations.map(({ args }) => (typeof args[1] === "string" ? args[1] : ""));
  expect(pieces.join("/")).toBe(path.join("/"));
  for (const piece of pieces) expect(piece.length).toBeLessThan(4096);
  expect(operations.map(({ args }) => args[0])).toMatchObject(
    operations.map((_, at) => ({ name: at === 0 ? "root" : "into" })),
  );
  // Where the first piece is missing, there is nothing to go on from.
  expect(operations.map(({ optional }) => optional)).toEqual(operations.map((_, at) => at > 0));
});

test("names that aren't UTF-8 keep their bytes", () => {
  const [operation] = opening(["a", "\udcff"]).operations;
  expect(operation?.args[1]).toMatchObject({ value: Buffer.from([0x61, 0x2f, 0xff]) });
});
