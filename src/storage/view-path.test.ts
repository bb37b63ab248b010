import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import type { Operation, Outcome, Program, Result } from "../kernel/mod.ts";
import { followLinks } from "./view-path.ts";
import type { ViewSession } from "./view-session.ts";

/** A session in whose root there are these links, by their paths; nothing else is a link. */
function withLinks(links: Readonly<Record<string, string>>): ViewSession {
  return {
    run: async (program: Program): Promise<Outcome> => {
      const opened = program.operations.find(({ call }) => call === "openat2");
      const read = program.operations.find(({ call }) => call === "readlinkat");
      const [directory, name] = [opened, read].map((operation) => operation?.args[1]);
      if (typeof directory !== "string" || typeof name !== "string") throw new TypeError("no path");
      const path = `${directory === "." ? "" : `/${directory}`}/${name}`;
      const text = Buffer.from(links[path] ?? "");
      const isRead = (operation: Operation | undefined): boolean => operation === read;
      return {
        valueOf: ({ operation }: Result): number =>
          isRead(program.operations[operation]) && text.length > 0 ? text.length : -22,
        bytesOf: (): Uint8Array => text,
      };
    },
  };
}

const links = {
  "/le": "etc",
  "/abs": "/etc/hosts",
  "/up": "../../../../etc/passwd",
  "/chain": "le/shadow",
  "/broken": "nowhere/at/all",
  "/etc/deep": "../var/./lib",
  "/a": "b",
  "/b": "a",
};

test.each([
  ["/", "/"],
  ["etc/passwd", "/etc/passwd"],
  ["/le", "/etc"],
  ["/le/passwd", "/etc/passwd"],
  ["/abs", "/etc/hosts"],
  ["/up", "/etc/passwd"],
  ["/chain", "/etc/shadow"],
  ["/broken/x", "/nowhere/at/all/x"],
  ["/le/deep/f", "/var/lib/f"],
  ["/etc/../..//le/.", "/etc"],
])("%p leads to %p", async (path, expected) => {
  expect(await followLinks(withLinks(links), path)).toBe(expected);
});

test("links that go round in circles are an error in Docker's words", async () => {
  const problem = await followLinks(withLinks(links), "/a/x").then(() => "", messageOf);
  expect(problem).toBe("evalSymlinksInScope: too many links in /a/x");
});
