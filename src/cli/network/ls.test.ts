import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { networks } from "./ls.ts";

const network = (Name: string, more: object = {}): object => ({
  Name,
  Id: `${Name}${"0".repeat(60)}`,
  Driver: "bridge",
  Scope: "local",
  Created: "2026-11-24T04:41:37.656Z",
  ...more,
});
const answers = {
  "GET /networks": { json: [network("net10"), network("net9", { Internal: true, Labels: { a: "1" } })] },
};
const shown = async (...argv: readonly string[]): Promise<string> =>
  (await runCommand(networks, argv, answers)).stdout;

test("in the order of their names, numbers as numbers", async () => {
  expect((await shown()).split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["NETWORK ID", "NAME", "DRIVER", "SCOPE"],
    ["net900000000", "net9", "bridge", "local"],
    ["net100000000", "net10", "bridge", "local"],
    [""],
  ]);
  expect(await shown("-q")).toBe("net900000000\nnet100000000\n");
});

test("what a template can ask for; an older engine says nothing of IPv4", async () => {
  const format = '{{.IPv4}} {{.IPv6}} {{.Internal}} {{.Labels}} {{.Label "a"}} {{.CreatedAt}}';
  expect((await shown("--format", format)).split("\n")[0]).toBe(
    "true false true a=1 1 2026-11-24 04:41:37.656 +0000 UTC",
  );
  expect((await shown("--no-trunc", "-q")).split("\n")[0]).toHaveLength(64);
});

test("filters are the engine's to apply", async () => {
  expect((await runCommand(networks, ["-f", "driver=bridge"], answers)).asked).toEqual([
    'GET /networks?filters={"driver":{"bridge":true}}',
  ]);
});
