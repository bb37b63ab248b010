import { expect, test } from "bun:test";
import { messageOf } from "../../errors/mod.ts";
import {
  planCopy,
  renamed,
  resolvedSource,
  splitEntry,
  type CopyPlan,
  type CopySource,
  type CopyTarget,
} from "./copy-plan.ts";

const file = (path: string): CopySource => ({ path, directory: false });
const folder = (path: string): CopySource => ({ path, directory: true });
const there = (path: string, directory: boolean): CopyTarget => ({ path, exists: true, directory });
const missing = (path: string): CopyTarget => ({ path, exists: false, directory: false });

test.each<[string, CopySource, CopyTarget, CopyPlan]>([
  ["a file into a directory", file("/a/f"), there("/d", true), { directory: "/d" }],
  ["a file over a file", file("/a/f"), there("/d/g", false), { directory: "/d", rename: ["f", "g"] }],
  ["a file to a new name", file("/a/f"), missing("/d/g"), { directory: "/d", rename: ["f", "g"] }],
  ["a directory into a directory", folder("/a/b"), there("/d", true), { directory: "/d" }],
  ["a directory to a new name", folder("/a/b"), missing("/d/n"), { directory: "/d", rename: ["b", "n"] }],
  [
    "a directory to a new name with a slash",
    folder("/a/b"),
    missing("/d/n/"),
    { directory: "/d", rename: ["b", "n"] },
  ],
  [
    "a directory's content to a new name",
    folder("/a/b/."),
    missing("/d/n"),
    { directory: "/d", rename: [".", "n"] },
  ],
  ["the root to a new name", folder("/"), missing("/d/n"), { directory: "/d", rename: ["", "n"] }],
  [
    "a link that was followed",
    { path: "/a/real", directory: false, name: "link" },
    missing("/d/g"),
    { directory: "/d", rename: ["link", "g"] },
  ],
])("%s", (_, source, target, plan) => {
  expect(planCopy(source, target)).toEqual(plan);
});

test("what can't be", () => {
  const refusal = (source: CopySource, target: CopyTarget): string => {
    try {
      return JSON.stringify(planCopy(source, target));
    } catch (error) {
      return messageOf(error);
    }
  };
  expect(refusal(folder("/a"), there("/d/file", false))).toBe("cannot copy directory");
  expect(refusal(file("/a"), missing("/d/n/"))).toBe("no such directory");
  expect(refusal(file("/a"), missing("/d/n/."))).toBe("no such directory");
});

test.each([
  ["/a/b", "/a", "b"],
  ["/a/b/", "/a", "b"],
  ["/a/b/.", "/a/b", "."],
  ["/", "/", "/"],
  ["/.", "/", "."],
  ["b", ".", "b"],
])("%p is %p and %p", (path, directory, base) => {
  expect(splitEntry(path)).toEqual({ directory, base });
});

test("a link that was followed keeps its name and its ending", () => {
  expect(resolvedSource("/a/link", "/b/real")).toEqual({ path: "/b/real", name: "link" });
  expect(resolvedSource("/a/link/", "/b/real")).toEqual({ path: "/b/real/", name: "link" });
  expect(resolvedSource("/a/link/.", "/b/real")).toEqual({ path: "/b/real/." });
  expect(resolvedSource("/a/x", "/b/x")).toEqual({ path: "/b/x" });
});

test("names are changed once, hard links with them", async () => {
  async function* entries(): AsyncGenerator<{
    type: "file" | "hardlink" | "symlink";
    path: string;
    linkPath?: string;
  }> {
    yield { type: "file", path: "b/b" };
    yield { type: "hardlink", path: "b/h", linkPath: "b/b" };
    yield { type: "symlink", path: "b/s", linkPath: "b" };
  }
  expect(await Array.fromAsync(renamed(entries(), ["b", "$&"]))).toEqual([
    { type: "file", path: "$&/b" },
    { type: "hardlink", path: "$&/h", linkPath: "$&/b" },
    { type: "symlink", path: "$&/s", linkPath: "b" },
  ]);
  expect((await Array.fromAsync(renamed(entries(), undefined))).length).toBe(3);
});
