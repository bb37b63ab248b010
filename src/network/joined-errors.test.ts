import { expect, test } from "bun:test";
import { throwJoined } from "./joined-errors.ts";

test("nothing wrong is no error; one thing stands alone, several are a list", () => {
  expect(throwJoined("title", [])).toBeUndefined();
  const message = (errors: readonly string[]): string => {
    try {
      throwJoined("title", errors);
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
    return "not thrown";
  };
  expect(message(["a"])).toBe("title:\na");
  expect(message(["a", "b"])).toBe("title:\n* a\n* b");
});
