import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { commit } from "./commit.ts";
import { diff } from "./diff.ts";
import { exportContainer } from "./export.ts";

test("changes are printed as docker prints them", async () => {
  const json = [
    { Path: "/etc", Kind: 0 },
    { Path: "/new", Kind: 1 },
    { Path: "/etc/group", Kind: 2 },
  ];
  const ran = await runCommand(diff, ["web"], { "GET /containers/web/changes": { json } });
  expect(ran).toMatchObject({ code: 0, stdout: "C /etc\nA /new\nD /etc/group\n" });
  const none = await runCommand(diff, ["web"], { "GET /containers/web/changes": { json: null } });
  expect(none).toMatchObject({ code: 0, stdout: "" });
});

test("an export goes to standard output, but to no terminal", async () => {
  const answers = { "GET /containers/web/export": { text: "tar", contentType: "application/octet-stream" } };
  expect(await runCommand(exportContainer, ["web"], answers)).toMatchObject({ code: 0, stdout: "tar" });
  const refused = await runCommand(exportContainer, ["web"], answers, { terminal: true });
  expect(refused.problem).toBe("cowardly refusing to save to a terminal. Use the -o flag or redirect");
  expect(refused.asked).toEqual([]);
});

test("a commit asks for what was given, and prints the image", async () => {
  const answers = { "POST /commit": { status: 201, json: { Id: "sha256:1" } } };
  const words = ["-a", "me", "-m", "why", "-c", "CMD a", "-c", "ENV b=c", "--pause=false", "web", "repo/x:1"];
  const ran = await runCommand(commit, words, answers);
  expect(ran).toMatchObject({ code: 0, stdout: "sha256:1\n" });
  const query = new URLSearchParams(ran.asked[0]?.split("?")[1]);
  expect(Object.fromEntries(query)).toMatchObject({
    container: "web",
    repo: "repo/x",
    tag: "1",
    author: "me",
    comment: "why",
    pause: "0",
  });
  expect(query.getAll("changes")).toEqual(["CMD a", "ENV b=c"]);
  expect((await runCommand(commit, ["web"], answers)).asked).toEqual(["POST /commit?container=web"]);
  expect((await runCommand(commit, ["web", "repo"], answers)).asked[0]).toContain("tag=latest");
});
