import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { cp } from "./cp.ts";

test("an archive comes out to standard output", async () => {
  const ran = await runCommand(cp, ["web:/etc/x:y", "-"], {
    "GET /containers/web/archive": { text: "tar", contentType: "application/x-tar" },
  });
  expect(ran).toMatchObject({ code: 0, stdout: "tar", asked: ["GET /containers/web/archive?path=/etc/x:y"] });
});

test("an archive goes in from standard input, with its owners for -a", async () => {
  const answers = { "PUT /containers/web/archive": {} };
  const ran = await runCommand(cp, ["-", "web:/etc"], answers, { stdin: "tar" });
  expect(ran).toMatchObject({ code: 0, asked: ["PUT /containers/web/archive?path=/etc"], bodies: ["tar"] });
  expect((await runCommand(cp, ["-a", "-", "web:/etc"], answers, { stdin: "tar" })).asked).toEqual([
    "PUT /containers/web/archive?path=/etc&copyUIDGID=1",
  ]);
});

test.each([
  ["", "web:/x", "source can not be empty"],
  ["web:/x", "", "destination can not be empty"],
  ["a:/x", "b:/x", "copying between containers is not supported"],
  ["./a:b", "/c:d", "must specify at least one container source"],
  ["web:/x", "./here", "copying files other than as a tar archive"],
])("%p to %p is refused before anything is asked", async (source, target, problem) => {
  const ran = await runCommand(cp, [source, target]);
  expect(ran.problem).toContain(problem);
  expect(ran.asked).toEqual([]);
});
