/**
 * `--metrics-addr`: what Prometheus reads.
 */
import { expect, test } from "bun:test";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

test("numbers of containers and of the engine's process", async () => {
  await using engine = await TestEngine.start("--metrics-addr=127.0.0.1:9323");
  await importBusybox(engine);
  expect(engine.caisson(["run", "-d", "busybox", "sleep", "1000"]).code).toBe(0);
  expect(engine.caisson(["create", "busybox"]).code).toBe(0);
  const read = engine.runInside("curl", ["-sSi", "http://127.0.0.1:9323/metrics"]).stdout;
  expect(read).toContain("HTTP/1.1 200 OK");
  expect(read.toLowerCase()).toContain("content-type: text/plain; version=0.0.4");
  expect(read).toContain('engine_daemon_container_states_containers{state="running"} 1\n');
  expect(read).toContain('engine_daemon_container_states_containers{state="stopped"} 1\n');
  expect(read).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m);
  // Nothing but numbers is there.
  expect(engine.runInside("curl", ["-sSi", "http://127.0.0.1:9323/containers/json"]).stdout).toContain("404");
});
