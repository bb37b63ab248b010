import { expect, test } from "bun:test";
import { runCommand, type Answers } from "../testing.ts";
import { ps } from "./ps.ts";

const id = "0123456789abcdef".repeat(4);
const web = {
  Id: id,
  Names: ["/other/link", "/web"],
  Image: "docker.io/library/busybox:1",
  ImageID: `sha256:${"f".repeat(64)}`,
  Command: 'sh -c "echo one two three"',
  Created: Math.floor(Date.now() / 1000) - 7200,
  State: "running",
  Status: "Up 2 hours",
  Ports: [],
  Labels: { b: "2", a: "1" },
  Mounts: [
    { Name: "a-volume-with-a-long-name", Driver: "local", Source: "/x" },
    { Name: "", Source: "/srv" },
  ],
  SizeRw: 1500,
  SizeRootFs: 3_000_000,
};
const answers: Answers = { "GET /containers/json": { json: [web] } };

const shown = async (...argv: readonly string[]): Promise<string> =>
  (await runCommand(ps, argv, answers)).stdout;

test("the table", async () => {
  const [head, line] = (await shown()).split("\n");
  expect(head?.split(/ {2,}/)).toEqual([
    "CONTAINER ID",
    "IMAGE",
    "COMMAND",
    "CREATED",
    "STATUS",
    "PORTS",
    "NAMES",
  ]);
  expect(line?.split(/ {2,}/)).toEqual([
    "0123456789ab",
    "busybox:1",
    '"sh -c \\"echo one two…"',
    "2 hours ago",
    "Up 2 hours",
    "web",
  ]);
});

test("nothing is cut with --no-trunc", async () => {
  const text = await shown("--no-trunc", "--format", "{{.ID}} {{.Image}} {{.Names}} {{.Mounts}}");
  expect(text).toBe(`${id} docker.io/library/busybox:1 other/link,web a-volume-with-a-long-name,/srv\n`);
  expect(await shown("--format", "{{.Mounts}}")).toBe("a-volume-with-…,/srv\n");
});

test("what a template can ask for", async () => {
  expect(await shown("--format", '{{.Labels}} {{.Label "b"}} {{.LocalVolumes}} {{.State}}')).toBe(
    "a=1,b=2 2 1 running\n",
  );
  expect(await shown("-q")).toBe("0123456789ab\n");
  expect(await shown("-q", "--format", "raw")).toBe("container_id: 0123456789ab\n");
});

test("sizes are measured only for those who look at them", async () => {
  const asked = async (...argv: readonly string[]): Promise<string | undefined> =>
    (await runCommand(ps, argv, answers)).asked[0];
  expect(await asked()).toBe("GET /containers/json");
  expect(await asked("--format", "{{.Size}}")).toBe("GET /containers/json?size=1");
  expect(await asked("--format", "json")).toBe("GET /containers/json");
  expect(await asked("--format", "{{json .}}")).toBe("GET /containers/json?size=1");
  expect(await shown("-s", "--format", "raw")).toContain("size: 1.5kB (virtual 3MB)\n");
});

test("flags choose the containers", async () => {
  const asked = async (...argv: readonly string[]): Promise<string | undefined> =>
    (await runCommand(ps, argv, answers)).asked[0];
  expect(await asked("-a", "-f", "label=a", "-f", "label=b")).toBe(
    'GET /containers/json?all=1&filters={"label":{"a":true,"b":true}}',
  );
  expect(await asked("-l")).toBe("GET /containers/json?limit=1");
  expect(await asked("-l", "-n", "3")).toBe("GET /containers/json?limit=3");
  expect(await asked("-n", "-1")).toBe("GET /containers/json");
});
