import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { images } from "./ls.ts";

const digest = `sha256:${"d".repeat(64)}`;
const id = `sha256:${"a".repeat(64)}`;
const answers = {
  "GET /images/json": {
    json: [
      {
        Id: id,
        RepoTags: ["busybox:1", "busybox:2", "ghcr.io/me/app:x"],
        RepoDigests: [`busybox@${digest}`],
        Created: Math.floor(Date.now() / 1000) - 90,
        Size: 4_270_000,
        Containers: -1,
      },
      {
        Id: `sha256:${"b".repeat(64)}`,
        RepoTags: [],
        RepoDigests: [`alpine@${digest}`],
        Created: 0,
        Size: 0,
      },
      { Id: `sha256:${"c".repeat(64)}`, RepoTags: null, RepoDigests: null, Created: 0, Size: 0 },
    ],
  },
};
const shown = async (...argv: readonly string[]): Promise<string> =>
  (await runCommand(images, argv, answers)).stdout;

test("a line for each tag; what has only a digest, or nothing, has one too", async () => {
  expect(await shown("--format", "{{.Repository}}:{{.Tag}} {{.ID}}")).toBe(
    [
      "busybox:1 aaaaaaaaaaaa",
      "busybox:2 aaaaaaaaaaaa",
      "ghcr.io/me/app:x aaaaaaaaaaaa",
      "alpine:<none> bbbbbbbbbbbb",
      "<none>:<none> cccccccccccc",
      "",
    ].join("\n"),
  );
});

test("--digests adds the digests that belong to the repository", async () => {
  const text = await shown("--digests", "--format", "{{.Repository}}:{{.Tag}}@{{.Digest}}");
  expect(text).toContain(`busybox:1@${digest}\n`);
  expect(text).toContain("ghcr.io/me/app:x@<none>\n");
  expect(text).toContain(`alpine:<none>@${digest}\n`);
  expect((await shown("--digests")).split("\n")[0]?.split(/ {2,}/)).toEqual([
    "REPOSITORY",
    "TAG",
    "DIGEST",
    "IMAGE ID",
    "CREATED",
    "SIZE",
  ]);
});

test("the table", async () => {
  expect((await shown()).split("\n")[1]?.split(/ {2,}/)).toEqual([
    "busybox",
    "1",
    "aaaaaaaaaaaa",
    "About a minute ago",
    "4.27MB",
  ]);
  expect((await shown("-q", "--no-trunc")).split("\n")[0]).toBe(id);
  expect(await shown("--format", "raw")).toStartWith("repository: busybox\ntag: 1\nimage_id: aaaaaaaaaaaa\n");
});

test("a name is one more reference to look for", async () => {
  const ran = await runCommand(
    images,
    ["-a", "-f", "reference=x", "-f", "dangling=true", "busybox"],
    answers,
  );
  expect(ran.asked).toEqual([
    'GET /images/json?all=1&filters={"reference":{"x":true,"busybox":true},"dangling":{"true":true}}',
  ]);
});
