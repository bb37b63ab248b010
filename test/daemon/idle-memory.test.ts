/**
 * An engine that has nothing to do gives memory back, and works on.
 */
import { expect, test } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { caisson, TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";

/** Pages of files that a process has resident, in KiB. */
function filePages(pid: number): number {
  return Number(/^RssFile:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

test("pages of the executable are let go of, and what runs goes on", async () => {
  // An executable of its own: pages that others have mapped too stay.
  const alone = (prepared: TestEngine): void => {
    prepared.executable = join(prepared.directory, "caisson");
    copyFileSync(caisson, prepared.executable);
  };
  await using engine = await TestEngine.startPrepared(alone, "--debug");
  await importBusybox(engine);
  const { code, stdout } = engine.caisson(["run", "-d", "busybox", "sleep", "1000"]);
  expect(code).toBe(0);
  const before = filePages(engine.pid);
  const end = Date.now() + 120_000 * patience;
  while (!engine.log().includes("gave memory back")) {
    expect(Date.now()).toBeLessThan(end);
    await sleep(100);
  }
  // No kernel that we know refuses it to root.
  expect(engine.log()).not.toContain("give pages of the executable back");
  expect(filePages(engine.pid)).toBeLessThan(before * 0.9);
  expect(engine.caisson(["exec", stdout.trim(), "echo", "here"]).stdout).toBe("here\n");
  expect(engine.caisson(["run", "--rm", "busybox", "echo", "again"]).stdout).toBe("again\n");
});
