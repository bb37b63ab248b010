import { expect, test } from "bun:test";
import { commandHelp, flagUsages, usageLine } from "./help.ts";

test("two columns, the right one wrapped as pflag wraps", () => {
  const flags = [
    {
      name: "tail",
      short: "n",
      type: "string",
      usage: "Number of lines to show from the end of the logs",
      shown: '"all"',
    },
    { name: "details", type: "bool", usage: "Show extra details provided to logs" },
    { name: "hidden", type: "bool", usage: "", hidden: true },
  ] as const;
  expect(flagUsages(flags, 79)).toBe(
    `      --details       Show extra details provided to logs
  -n, --tail string   Number of lines to show from the end of the logs
                      (default "all")`,
  );
});

test("line ends in a text stay", () => {
  const text = flagUsages([{ name: "f", type: "bool", usage: "one\ntwo" }], 79);
  expect(text).toBe("      --f   one\n            two");
});

test("a narrow terminal puts the texts below the names", () => {
  const text = flagUsages([{ name: "a-rather-long-name", type: "string", usage: "what it is for" }], 45);
  expect(text).toBe(`      --a-rather-long-name string   \n${" ".repeat(16)}what it is for`);
});

test("a command's help names its spellings", () => {
  const text = commandHelp(
    {
      path: "caisson ps",
      use: "[OPTIONS]",
      short: "List",
      spellings: ["caisson container ls", "caisson ps"],
      flags: [],
    },
    80,
  );
  expect(text).toBe("Usage:  caisson ps [OPTIONS]\n\nList\n\nAliases:\n  caisson container ls, caisson ps\n");
});

test("each form of a command has its own line", () => {
  expect(usageLine("caisson cp", "A B\nC D")).toBe("caisson cp A B\n\tcaisson cp C D");
  expect(usageLine("caisson x", "")).toBe("caisson x");
});
