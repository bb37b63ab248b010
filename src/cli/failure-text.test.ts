import { expect, test } from "bun:test";
import { ServerError } from "../client/mod.ts";
import { commandFailed, joined, textOfError } from "./failure-text.ts";

test("what the engine said is marked as the engine's", () => {
  expect(textOfError(new ServerError(404, "no such thing"))).toBe(
    "Error response from daemon: no such thing",
  );
  expect(textOfError(commandFailed("no such flag"))).toBe("no such flag");
  expect(textOfError("text")).toBe("text");
});

test("several errors are one, a line each, that ends with 1", () => {
  const error = joined([new ServerError(409, "taken"), commandFailed("wrong")]);
  expect(error.message).toBe("Error response from daemon: taken\nwrong");
  expect(error.exitCode).toBe(1);
});
