import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder } from "../../kernel/mod.ts";
import type { LinkFacts, NetworkStep } from "../driver.ts";
import type { NetworkRecord } from "../types.ts";
import { noteOf } from "./ownership.ts";
import { parentDown, parentName, parentUp, sharing } from "./parent.ts";

function network(id: string, parent?: string, more: Partial<NetworkRecord> = {}): NetworkRecord {
  const options = parent === undefined ? {} : { parent };
  return { id: id.padEnd(64, "0"), driver: "macvlan", configOnly: false, options, ...more } as NetworkRecord;
}

function run(steps: readonly NetworkStep[], ...found: readonly (Partial<LinkFacts> | undefined)[]): string {
  const b = new ProgramBuilder();
  for (const step of steps) step.add(b, found as readonly (LinkFacts | undefined)[] as never);
  return printProgram(b.build());
}

const up = (parent: string | undefined, ...found: readonly (Partial<LinkFacts> | undefined)[]): string =>
  run(parentUp(network("a", parent), { parent }), ...found);

test("without a parent there is a dummy of the network's own", () => {
  expect(parentName(network("abcdef0123456789"), { parent: undefined })).toBe("dm-abcdef012345");
  expect(up(undefined, undefined)).toContain("dummy");
  expect(up(undefined, { index: 5 })).not.toContain("dummy");
});

test("a VLAN of a link that is there is made; what is there is used as it is", () => {
  expect(parentUp(network("a", "eth0.10"), { parent: "eth0.10" })[0]?.links).toEqual(["eth0.10", "eth0"]);
  expect(up("eth0.10", undefined, { index: 7 })).toContain("make the vlan link eth0.10");
  expect(up("eth0.10", { index: 8 }, { index: 7 })).not.toContain("make");
  expect(up("eth0", { index: 7 })).not.toContain("make");
});

test.each([
  ["eth0", "invalid subinterface vlan name eth0, example formatting is eth0.10"],
  [
    "eth0.1.2",
    "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received eth0.1.2",
  ],
  ["eth0.x", "unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)"],
  ["eth9.10", "-o parent interface was not found on the host: eth9"],
])("a parent %s that is neither there nor can be made: Docker's words", (parent, text) => {
  expect(() => up(parent, undefined, undefined)).toThrow(text);
});

test.each(["0", "4095", "-1"])("VLAN ids are 1 to 4094, not %s", (id) => {
  expect(() => up(`eth0.${id}`, undefined, { index: 7 })).toThrow(
    `vlan id must be between 1-4094, received: ${id}`,
  );
});

test("only what a driver made is removed, and only when nobody else sits on it", () => {
  const own = network("a", "eth0.10");
  const down = (others: readonly NetworkRecord[], found?: Partial<LinkFacts>): string =>
    run(parentDown(own, { parent: "eth0.10" }, others), found);
  const ours = { index: 9, alias: noteOf(own) };
  expect(down([own], ours)).toContain("remove the link eth0.10");
  expect(down([own, network("b", "eth0.10", { configOnly: true })], ours)).toContain("remove");
  expect(down([own, network("b", "eth0.10")], ours)).not.toContain("remove");
  expect(down([own], { index: 9, alias: "somebody's" })).not.toContain("remove");
  expect(down([own])).not.toContain("remove");
});

test("who shares a parent: networks of the same driver", () => {
  const own = network("a", "eth0");
  const all = [
    own,
    network("b", "eth0"),
    network("c", "eth0", { driver: "ipvlan" }),
    network("d", "eth1"),
    network("e", "eth0", { configOnly: true }),
  ];
  expect(sharing(own, { parent: "eth0" }, all).map(({ id }) => id[0])).toEqual(["b"]);
  expect(sharing(network("z"), { parent: undefined }, all)).toEqual([]);
});
