/**
 * What the scenarios ask: each endpoint of Docker's API, and each status that its description names, must be among the
 * recorded answers of dockerd, or have a reason here why it isn't.
 * @module
 */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "./answer.ts";
import { endpointOf, endpoints } from "./endpoints.ts";

/** Patterns of `METHOD /path STATUS` that no scenario shows, and why. */
const absent: readonly (readonly [RegExp, string])[] = [
  [/ \/(swarm|nodes|services|tasks|secrets|configs)\b.* (200|201|204|403|404|409)$/, "there is no swarm"],
];

const folder = join(import.meta.dir, "recorded");

function shown(): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const file of readdirSync(folder)) {
    const answers = JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, Answer>;
    for (const { asked = "", status } of Object.values(answers)) {
      const pair = endpointOf(asked);
      if (pair !== undefined) seen.add(`${pair} ${status}`);
    }
  }
  return seen;
}

const wanted = endpoints.flatMap(({ pair, statuses }) => statuses.map((status) => `${pair} ${status}`));
const excused = (what: string): boolean => absent.some(([pattern]) => pattern.test(what));

test("every endpoint's statuses are shown by a scenario, or have a reason", () => {
  const seen = shown();
  expect(wanted.filter((what) => !seen.has(what) && !excused(what))).toEqual([]);
});

test("each reason is still one", () => {
  const seen = shown();
  const open = wanted.filter((what) => !seen.has(what));
  expect(absent.filter(([pattern]) => !open.some((what) => pattern.test(what)))).toEqual([]);
});
