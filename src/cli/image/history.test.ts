import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { history } from "./history.ts";

const answers = {
  "GET /images/busybox/history": {
    json: [
      {
        Id: `sha256:${"a".repeat(64)}`,
        Created: 1_700_000_000,
        CreatedBy: `RUN\t${"x".repeat(60)}`,
        Size: 4_270_000,
      },
      { Id: "<missing>", Created: 0, CreatedBy: "ADD", Size: 0, Comment: "base" },
    ],
  },
};
const shown = async (...argv: readonly string[]): Promise<string> =>
  (await runCommand(history, [...argv, "busybox"], answers)).stdout;

test("a line for each step, cut and in human terms", async () => {
  const format = "{{.ID}}|{{.CreatedSince}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}";
  const [first, second] = (await shown("--format", format)).split("\n");
  expect(first).toMatch(/^aaaaaaaaaaaa\|\d+ years ago\|RUN x{40}…\|4\.27MB\|$/);
  expect(second).toBe("<missing>|N/A|ADD|0B|base");
});

test("the whole, for programs", async () => {
  const format = "{{.CreatedBy}} {{.Size}} {{.CreatedAt}}";
  expect((await shown("--no-trunc", "--human=false", "--format", format)).split("\n")[0]).toBe(
    `RUN ${"x".repeat(60)} 4270000 2023-11-14T22:13:20Z`,
  );
  expect(await shown("-q")).toBe("aaaaaaaaaaaa\n<missing>\n");
  expect((await shown("--human=false")).split("\n")[0]).toContain("CREATED AT");
});

test("a platform is sent as JSON", async () => {
  expect((await runCommand(history, ["--platform", "linux/arm64/v8", "busybox"], answers)).asked).toEqual([
    'GET /images/busybox/history?platform={"architecture":"arm64","os":"linux","variant":"v8"}',
  ]);
});
