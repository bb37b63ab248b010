import { expect, test } from "bun:test";
import { engineMetrics, formatMetrics } from "./metrics.ts";

test("the text format, with dockerd's names", () => {
  const info = {
    ContainersPaused: 1,
    ContainersRunning: 2,
    ContainersStopped: 3,
    NCPU: 4,
    MemTotal: 5,
    OperatingSystem: 'a "b" \\',
  };
  const text = formatMetrics(engineMetrics(info, {}));
  expect(text).toContain(
    '# TYPE engine_daemon_container_states_containers gauge\nengine_daemon_container_states_containers{state="paused"} 1\nengine_daemon_container_states_containers{state="running"} 2\n',
  );
  expect(text).toContain("\nengine_daemon_engine_cpus_cpus 4\n");
  expect(text).toContain('os="a \\"b\\" \\\\"');
});
