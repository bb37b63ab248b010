/**
 * The role `relay`: needs `make -C native` and root.
 * @module
 */
import { expect, test } from "bun:test";
import { patience } from "../support/patience.ts";
import { inNamespace } from "./namespaced.ts";

const scenario = (name: string): Promise<unknown> => inNamespace("relay-scenarios.ts", name);
const LIMIT = 60_000 * patience;
const HELLO = `ffffffff ${"c0ffee".padEnd(64, "0")}`;

test(
  "5,000 queries that wait at once are all answered, each to who asked",
  async () => expect(await scenario("flood")).toEqual({ hellos: [HELLO], answered: 5000, tags: 5000 }),
  LIMIT,
);
test(
  "several queries of a connection come whole however they were cut, and it closes when it has its answers",
  async () =>
    expect(await scenario("streams")).toEqual({
      got: [
        ["c0. 3", "b0. 20003", "a0. 3"],
        ["c1. 3", "b1. 20003", "a1. 3"],
      ],
      transports: [1],
      tags: 2,
    }),
  LIMIT,
);
test(
  "of one connection 64 queries wait at most, and one that never comes whole ends it",
  async () => expect(await scenario("pipelined")).toEqual({ most: 64, right: true }),
  LIMIT,
);
test(
  "a resolver that comes back gets what was asked meanwhile; what the old one left unanswered is closed",
  async () => expect(await scenario("restart")).toEqual({ hellos: [HELLO], seen: ["between", "by TCP"] }),
  LIMIT,
);
test(
  "queries older than a second are not asked any more",
  async () => expect(await scenario("stale")).toEqual({ asked: ["new"], relays: 1 }),
  LIMIT,
);
test(
  "an answer to nobody reaches nobody",
  async () => expect(await scenario("nobody")).toEqual(["one", "two"]),
  LIMIT,
);
test("it leaves when it is told to", async () => expect(await scenario("leave")).toBe("left"), LIMIT);
