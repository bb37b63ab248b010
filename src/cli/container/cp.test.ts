import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { cp } from "./cp.ts";

test("an archive comes out to standard output", async () => {
  const ran = await runCommand(cp, ["web:/etc/x:y", "-"], {
    "GET /containers/web/archive": { text: "tar", contentType: "application/x-tar" },
  });
  expect(ran).toMatchObject({ code: 0, stdout: "tar", asked: ["GET /containers/web/archive?path=/etc/x:y"] });
});

/** What an engine says of a directory. */
const directory = { headers: pathStat(2 ** 31 + 0o755) };

function pathStat(mode: number): Record<string, string> {
  const stat = { name: "x", size: 0, mode, mtime: "2026-01-01T00:00:00Z", linkTarget: "" };
  return { "X-Docker-Container-Path-Stat": Buffer.from(JSON.stringify(stat)).toString("base64") };
}

test("an archive goes in from standard input, with its owners for -a", async () => {
  const answers = { "HEAD /containers/web/archive": directory, "PUT /containers/web/archive": {} };
  const put = "PUT /containers/web/archive?path=/etc&";
  const ran = await runCommand(cp, ["-", "web:/etc"], answers, { stdin: "tar" });
  expect(ran).toMatchObject({ code: 0, bodies: ["", "tar"] });
  expect(ran.asked[1]).toBe(`${put}noOverwriteDirNonDir=1`);
  const owners = await runCommand(cp, ["-a", "-", "web:/etc"], answers, { stdin: "tar" });
  expect(owners.asked[1]).toBe(`${put}copyUIDGID=1&noOverwriteDirNonDir=1`);
  const file = { ...answers, "HEAD /containers/web/archive": { headers: pathStat(0o644) } };
  const refused = await runCommand(cp, ["-", "web:/etc/x"], file, { stdin: "tar" });
  expect(refused.problem).toBe('destination "web:/etc/x" must be a directory');
});

test.each([
  ["", "web:/x", "source can not be empty"],
  ["web:/x", "", "destination can not be empty"],
  ["a:/x", "b:/x", "copying between containers is not supported"],
  ["./a:b", "/c:d", "must specify at least one container source"],
  ["web:/x", "/no/such/place", 'invalid output path: directory "/no/such" does not exist'],
  [
    "web:/x",
    "/dev/null",
    'invalid output path: "/dev/null" must be a directory or a regular file: got a device',
  ],
])("%p to %p is refused before anything is asked", async (source, target, problem) => {
  const ran = await runCommand(cp, [source, target]);
  expect(ran.problem).toContain(problem);
  expect(ran.asked).toEqual([]);
});

test("a source that is missing", async () => {
  const ran = await runCommand(cp, ["/no/such/file", "web:/x"]);
  expect(ran.problem).toBe("lstat /no/such/file: no such file or directory");
});
