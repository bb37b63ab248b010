/**
 * The role `relay`: needs `make -C native` and root.
 * @module
 */
import { expect, test } from "bun:test";
import { patience } from "../support/patience.ts";
import { inNamespace } from "./namespaced.ts";

const scenario = (name: string): Promise<unknown> => inNamespace("relay-scenarios.ts", name);
const LIMIT = 60_000 * patience;
const ID = "c0ffee".padEnd(64, "0");
const HELLO = `udp ${ID}`;
const STREAM = `tcp ${ID}`;

test(
  "5,000 queries that wait at once are all answered, each to who asked",
  async () => expect(await scenario("flood")).toEqual({ hellos: [HELLO], answered: 5000 }),
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
      hellos: [STREAM, STREAM, HELLO],
      connections: 2,
    }),
  LIMIT,
);
test(
  "a resolver that comes back gets what was asked meanwhile; what the old one left unanswered is closed",
  async () =>
    expect(await scenario("restart")).toEqual({
      hellos: [STREAM, HELLO],
      seen: ["between", "by TCP"],
    }),
  LIMIT,
);
test(
  "a resolver that says what is no frame is asked anew",
  async () => expect(await scenario("nonsense")).toEqual({ hellos: [HELLO, HELLO], seen: ["two"] }),
  LIMIT,
);
