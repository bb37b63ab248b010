/**
 * `proxies`: registries are reached through them, but for those that `no-proxy` names.
 */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";

test("a pull asks the proxy, or nobody", async () => {
  const folder = mkdtempSync(join(tmpdir(), "caisson-proxy."));
  const log = join(folder, "log");
  const config = join(folder, "daemon.json");
  writeFileSync(log, "");
  const settings = {
    proxies: { "http-proxy": "http://127.0.0.1:3128", "no-proxy": "direct.test" },
    "insecure-registries": ["far.test:5000", "direct.test:5000"],
    "max-download-attempts": 1,
  };
  writeFileSync(config, JSON.stringify(settings));
  try {
    await using engine = await TestEngine.start(`--config-file=${config}`);
    const script = `require("node:http").createServer((q, r) => {
      require("node:fs").appendFileSync(${JSON.stringify(log)}, q.method + " " + q.url + "\\n");
      r.writeHead(404).end();
    }).listen(3128, "127.0.0.1", () => require("node:fs").appendFileSync(${JSON.stringify(log)}, "ready\\n"))`;
    const proxy = engine.spawnInside(process.execPath, ["-e", script]);
    try {
      await eventually("the proxy listens", () => readFileSync(log, "utf8").includes("ready"));
      expect(engine.caisson(["pull", "far.test:5000/app:1"]).code).toBe(1);
      expect(readFileSync(log, "utf8")).toContain("GET http://far.test:5000/v2/");
      expect(engine.caisson(["pull", "direct.test:5000/app:1"]).code).toBe(1);
      expect(readFileSync(log, "utf8")).not.toContain("direct.test");
    } finally {
      proxy.kill();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
