import { expect, test } from "bun:test";
import { errorPage } from "./error-docs.ts";

test("each error is a row with its status, its exit code and its text", () => {
  expect(errorPage()).toContain("| `no-such-container` | 404 | 125 | `No such container: <name>` |\n");
});
