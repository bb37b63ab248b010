/**
 * A service manager that wants to know when the engine is ready (sd_notify(3)). The real one is in test/vm/service.test.ts.
 */
import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { script } from "../support/scripts.ts";

test("it hears of the start and of the end, from the engine's process", async () => {
  const folder = mkdtempSync(join(tmpdir(), "caisson-notify."));
  const socket = join(folder, "notify");
  const manager = spawn("python3", [script("daemon/notified.py"), socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let heard = "";
  manager.stdout.setEncoding("utf8").on("data", (chunk: string) => (heard += chunk));
  const hears = (line: string): Promise<unknown> =>
    eventually(`"${line}"`, () => heard.endsWith(`${line}\n`) || undefined);
  try {
    await hears("listening");
    process.env["NOTIFY_SOCKET"] = socket;
    await using engine = await TestEngine.start().finally(() => delete process.env["NOTIFY_SOCKET"]);
    const { pid } = engine;
    await hears(`${pid} READY=1`);
    await engine.stop();
    await hears(`${pid} STOPPING=1`);
    expect(heard.trim().split("\n")).toEqual(["listening", `${pid} READY=1`, `${pid} STOPPING=1`]);
  } finally {
    manager.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
