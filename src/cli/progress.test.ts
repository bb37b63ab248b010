import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import type { ProgressMessage } from "../client/mod.ts";
import { progressBar, showProgress } from "./progress.ts";

async function shown(
  terminal: boolean,
  messages: readonly ProgressMessage[],
  width?: number,
): Promise<string> {
  let text = "";
  const output = {
    terminal,
    text: (more: string): void => {
      text += more;
    },
  };
  async function* all(): AsyncGenerator<ProgressMessage> {
    yield* messages;
  }
  await showProgress(all(), { output, ...(width === undefined ? {} : { width }) });
  return text;
}

const pull: readonly ProgressMessage[] = [
  { status: "Pulling from library/busybox", id: "latest" },
  { status: "Pulling fs layer", id: "aaa", progressDetail: {} },
  { status: "Pulling fs layer", id: "bbb", progressDetail: {} },
  { status: "Downloading", id: "aaa", progressDetail: { current: 50, total: 100 } },
  { status: "Pull complete", id: "aaa", progressDetail: {} },
  { status: "Digest: sha256:1" },
];

test("without a terminal bars are left out and lines follow one another", async () => {
  expect(await shown(false, pull)).toBe(
    "latest: Pulling from library/busybox\naaa: Pulling fs layer\nbbb: Pulling fs layer\naaa: Pull complete\nDigest: sha256:1\n",
  );
});

test("on a terminal each layer has its own line", async () => {
  const text = await shown(true, pull, 120);
  expect(text).toStartWith(
    "latest: Pulling from library/busybox\n\n\u001b[1A\u001b[2K\raaa: Pulling fs layer \r\u001b[1B",
  );
  expect(text).toContain(
    `\u001b[2A\u001b[2K\raaa: Downloading [${"=".repeat(25)}>${" ".repeat(25)}]      50B/100B\r\u001b[2B`,
  );
  expect(text).toEndWith("Digest: sha256:1\n");
});

test("an error ends it with the engine's text", async () => {
  const failing = shown(false, [{ error: "no", errorDetail: { message: "no space left" } }]);
  expect(await failing.then(() => "no error", messageOf)).toContain("no space left");
});

test("streams are printed as they are", async () => {
  expect(await shown(false, [{ stream: "Loaded image: a\n" }])).toBe("Loaded image: a\n");
});

test("bars", () => {
  expect(progressBar({}, 200)).toBe("");
  expect(progressBar({ current: 1500 }, 200)).toBe("   1.5kB");
  expect(progressBar({ current: 3, units: "steps" }, 200)).toBe("3 steps");
  expect(progressBar({ current: 50, total: 100 }, 80)).toBe("     50B/100B");
  expect(progressBar({ current: 200, total: 100 }, 80)).toBe("    200B");
  expect(progressBar({ current: 1, total: 2, units: "x" }, 80)).toBe("1/2 x");
  expect(progressBar({ current: 1, total: 2, hidecounts: true }, 120)).toBe(
    `[${"=".repeat(25)}>${" ".repeat(25)}] `,
  );
});

test("the time that is left is estimated from the start", () => {
  const now = (): number => 110_000;
  expect(progressBar({ current: 10, total: 100, start: 100 }, 80, now)).toBe("     10B/100B 1m30s");
});
