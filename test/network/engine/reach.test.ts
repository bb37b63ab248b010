/**
 * Who reaches whom, with real packets: the same probes of an engine and of dockerd, with the userland proxy and without.
 * @module
 */
import { expect, test } from "bun:test";
import { testUnless } from "../../support/requires.ts";
import { noPeer, Peer } from "../../support/peer.ts";
import { NetworkPlace } from "./place.ts";
import { reach, reasons, type OtherAnswers } from "./reach-table.ts";
import { ReachWorld } from "./reach-world.ts";

/** What each probe comes to, all at once; an answer that may be one or the other is what the table calls it. */
async function probeAll(place: NetworkPlace): Promise<Record<string, string>> {
  await using world = await ReachWorld.around(place);
  const answers = await Promise.all(
    reach.map(async ([probe, expected]) => {
      const [from = "", to = ""] = probe.split(" ");
      const answer = await world.probe(from, to);
      const unreached = answer === "silence" || answer === "ECONNREFUSED";
      return [probe, expected === "nobody" && unreached ? "nobody" : answer] as const;
    }),
  );
  return Object.fromEntries(answers);
}

/** What dockerd comes to without its proxy. */
function offOf(on: string, others?: OtherAnswers): string {
  return others?.dockerOff ?? others?.off ?? on;
}

const proxies = [
  ["with the userland proxy", []],
  ["without it", ["--userland-proxy=false"]],
] as const;

for (const [name, flags] of proxies) {
  const isOff = flags.length > 0;

  test(`${name}, everybody reaches whom they should, as whom they should`, async () => {
    const expected = reach.map(([probe, on, others]) => [probe, isOff ? (others?.off ?? on) : on]);
    expect(await probeAll(await NetworkPlace.start(...flags))).toEqual(Object.fromEntries(expected));
  });

  testUnless(noPeer)(`${name}, dockerd differs where the table says so`, async () => {
    const expected = reach.map(([probe, on, others]) => [
      probe,
      isOff ? offOf(on, others) : (others?.docker ?? on),
    ]);
    expect(await probeAll(await NetworkPlace.around(await Peer.start(...flags)))).toEqual(
      Object.fromEntries(expected),
    );
  });
}

test("each difference from dockerd has its reason, and each reason its difference", () => {
  const given = new Set<string>();
  for (const [probe, on, others = {}] of reach) {
    const { off = on, docker = on, why } = others;
    const differs = docker !== on || offOf(on, others) !== off;
    expect([probe, why !== undefined]).toEqual([probe, differs]);
    if (why !== undefined) given.add(why);
  }
  expect([...given].sort()).toEqual(Object.keys(reasons).sort());
});
