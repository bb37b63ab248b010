import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileProblem } from "./file-problem.ts";

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test("Go's words for what the system says, else the error's own", () => {
  expect(
    fileProblem(
      "open",
      "/nosuch",
      thrown(() => readFileSync("/nosuch")),
    ),
  ).toBe("open /nosuch: no such file or directory");
  expect(
    fileProblem(
      "open",
      "/",
      thrown(() => readFileSync("/")),
    ),
  ).toBe("open /: is a directory");
  expect(fileProblem("mkdir", "/x", { code: "EROFS" })).toBe("mkdir /x: read-only file system");
  expect(fileProblem("read", "/x", new RangeError("odd"))).toBe("read /x: odd");
  expect(fileProblem("read", "/x", "text")).toBe("read /x: text");
});
