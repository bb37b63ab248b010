import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { removeNetworks } from "./rm.ts";

const answers = {
  "DELETE /networks/a": { status: 204 },
  "DELETE /networks/b": { status: 404, json: { message: "network b not found" } },
  "DELETE /networks/c": {
    status: 403,
    json: { message: "error while removing network: c has active endpoints" },
  },
};

test("each that goes is named, each that stays has its reason", async () => {
  expect(await runCommand(removeNetworks, ["b", "a", "c"], answers)).toMatchObject({
    code: 1,
    stdout: "a\n",
    stderr:
      "Error response from daemon: network b not found\nError response from daemon: error while removing network: c has active endpoints\n",
  });
});

test("forcing forgives what is missing, silently, and not what is used", async () => {
  expect(await runCommand(removeNetworks, ["-f", "b", "a"], answers)).toMatchObject({
    code: 0,
    stdout: "a\n",
    stderr: "",
  });
  expect((await runCommand(removeNetworks, ["-f", "c"], answers)).code).toBe(1);
});
