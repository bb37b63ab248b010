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
  [/ \/(swarm|nodes|services|tasks|secrets|configs)\b.* (200|201|204|403|404|409|503)$/, "there is no swarm"],
  [/ \/plugins\/(privileges|pull|create) 20\d$/, "there are no managed plugins"],
  [/ \/plugins\/\{name\}.* 20\d$/, "there are no managed plugins"],
  [/^POST \/plugins\/\{name\}\/upgrade 404$/, "dockerd looks for the new one first"],
  [/^POST \/(build 200|session 101)$/, "there is no builder"],
  [/^PUT \/volumes\/\{name\} (200|400|404)$/, "only volumes of a swarm can be changed"],
  [/^GET \/images\/search 200$/, "Docker's index is not on this machine"],
  [/^(POST \/auth|GET \/distribution\/.*) 401$/, "no registry with users runs beside both"],
  [/^POST \/auth 204$/, "no registry answers so"],
  [/^GET \/containers\/\{id\}\/attach\/ws 200$/, "it is 101"],
  [/^DELETE \/containers\/\{id\} 400$/, "dockerd has no such error"],
  [/^PUT \/containers\/\{id\}\/archive 403$/, "dockerd says 500 of a root that is read-only"],
  [/^POST \/images\/\{name\}\/tag 409$/, "dockerd has no such error: a tag moves"],
  [/^POST \/networks\/\{id\}\/disconnect 403$/, "only of networks of a swarm"],
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
