import { expect, test } from "bun:test";
import type { Engine } from "../engine.ts";
import { readOnly } from "./read-only.ts";

/** An engine that has every method, and says which was called. */
const everything = new Proxy(
  {},
  {
    get: (_, part) => new Proxy({}, { get: (__, method) => () => `${String(part)}.${String(method)}` }),
  },
) as unknown as Engine;

type Calls = Readonly<Record<string, Readonly<Record<string, () => string>>>>;
const seen = readOnly(everything) as unknown as Calls;

test.each([
  ["containers", ["list", "inspect", "logs", "stats", "top", "wait", "explain"]],
  ["images", ["list", "inspect", "history", "save"]],
  ["volumes", ["list", "inspect"]],
  ["networks", ["list", "inspect"]],
  ["events", ["subscribe"]],
  ["system", ["info", "version", "df"]],
])("%s: looks pass", (part, methods) => {
  for (const method of methods) expect(seen[part]?.[method]?.()).toBe(`${part}.${method}`);
});

test.each([
  [
    "containers",
    ["create", "start", "stop", "kill", "remove", "prune", "rename", "update", "attach", "resize"],
  ],
  ["execs", ["create", "start"]],
  ["files", ["read", "extract", "export", "commit"]],
  ["images", ["pull", "push", "load", "import", "tag", "remove", "prune"]],
  ["volumes", ["create", "remove", "prune"]],
  ["networks", ["create", "remove", "connect", "disconnect", "prune"]],
  ["system", ["auth"]],
])("%s: nothing is changed or entered", (part, methods) => {
  for (const method of methods)
    expect(() => seen[part]?.[method]?.()).toThrow(`(read-only) does not allow this: ${part} ${method}`);
});
