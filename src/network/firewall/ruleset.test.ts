import { expect, test } from "bun:test";
import { ruleset } from "./ruleset.ts";
import { setNames } from "./sets.ts";

test("the text is this", () => {
  expect(ruleset().script).toMatchSnapshot();
});

test("the table is put into the place of one that is there, in one script", () => {
  expect(ruleset().script.split("\n").slice(0, 4)).toEqual([
    "table inet caisson",
    "delete table inet caisson",
    "table inet caisson {",
    `  comment "${ruleset().comment}"`,
  ]);
});

test("every set is used by a rule, and the comment tells texts apart", () => {
  const all = ruleset({ respectHostFirewall: true }).script;
  for (const name of setNames) expect(all).toContain(`@${name}`);
  expect(ruleset({ markPassed: true }).comment).not.toBe(ruleset().comment);
});

test("the accepted mark passes in front of each drop", () => {
  const { script } = ruleset({ acceptMark: { value: 0x8, mask: 0xff } });
  expect(
    script.match(/meta mark & 0xff == 0x8 return\n {4}fib daddr type local return\n {4}drop/g),
  ).toHaveLength(2);
  expect(script.match(/meta mark & 0xff == 0x8 accept\n {4}drop/g)).toHaveLength(2);
});

test("when the host's rules decide, only containers are translated on the way in, and ranges are steered", () => {
  const { script } = ruleset({ respectHostFirewall: true });
  expect(script).toContain("iifname @bridges fib daddr type local goto publish");
  expect(script).toContain("tproxy");
  expect(ruleset().script).not.toContain("tproxy");
});
