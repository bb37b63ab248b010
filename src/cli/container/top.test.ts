import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { top } from "./top.ts";

const answers = {
  "GET /containers/a/top": {
    json: {
      Titles: ["PID", "CMD"],
      Processes: [
        ["1", "sh"],
        ["20", "sleep 5"],
      ],
    },
  },
};

test("processes stand below their titles", async () => {
  const ran = await runCommand(top, ["a"], answers);
  expect(ran.asked).toEqual(["GET /containers/a/top"]);
  expect(ran.stdout).toBe(`PID${" ".repeat(17)}CMD\n1${" ".repeat(19)}sh\n20${" ".repeat(18)}sleep 5\n`);
});

test("what follows the name is for ps, flags too", async () => {
  expect((await runCommand(top, ["a", "-o", "pid"], answers)).asked).toEqual([
    "GET /containers/a/top?ps_args=-o pid",
  ]);
});
