import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { stats } from "./stats.ts";
import { cpuPercent, memoryUsed } from "./stats-row.ts";

const id = "a".repeat(64);
const busy = {
  name: "/busy",
  id,
  cpu_stats: { cpu_usage: { total_usage: 600 }, system_cpu_usage: 3000, online_cpus: 2 },
  precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1000 },
  memory_stats: { usage: 3 << 20, limit: 64 << 20, stats: { total_inactive_file: 1 << 20 } },
  networks: { eth0: { rx_bytes: 1000, tx_bytes: 5 }, eth1: { rx_bytes: 500, tx_bytes: 0 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { major: 8, minor: 0, op: "Read", value: 4096 },
      { major: 8, minor: 0, op: "write", value: 10 },
      { major: 8, minor: 0, op: "Total", value: 4106 },
    ],
  },
  pids_stats: { current: 3 },
};

test("a look at named containers", async () => {
  const ran = await runCommand(stats, ["--no-stream", "busy"], {
    "GET /containers/busy/stats": { json: busy },
  });
  expect(ran.asked).toEqual(["GET /containers/busy/stats?stream=0"]);
  expect(ran.stdout).toBe(
    "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O      BLOCK I/O     PIDS\n" +
      "aaaaaaaaaaaa   busy      50.00%    2MiB / 64MiB        3.13%     1.5kB / 5B   4.1kB / 10B   3\n",
  );
});

test("containers that aren't there end it, with all of their messages", async () => {
  const ran = await runCommand(stats, ["--no-stream", "x1", "busy", "x2"], {
    "GET /containers/busy/stats": { json: busy },
    "GET /containers/x1/stats": { status: 404, json: { message: "No such container: x1" } },
    "GET /containers/x2/stats": { status: 404, json: { message: "No such container: x2" } },
  });
  expect(ran.code).toBe(1);
  expect(ran.stderr).toBe(
    "Error response from daemon: No such container: x1\nError response from daemon: No such container: x2\n",
  );
  expect(ran.stdout).toBe("");
});

test("those that run are listed; one that goes meanwhile isn't shown", async () => {
  const ran = await runCommand(
    stats,
    ["--no-stream", "--format", "{{.Name}} {{.ID}} {{.Container}}", "--no-trunc"],
    {
      "GET /containers/json": { json: [{ Id: id }, { Id: "b" }] },
      [`GET /containers/${id}/stats`]: { json: busy },
    },
  );
  expect(ran.stdout).toBe(`busy ${id} ${id}\n`);
});

test("figures as docker works them out", () => {
  expect(cpuPercent({})).toBe(0);
  expect(cpuPercent({ ...busy, precpu_stats: busy.cpu_stats })).toBe(0);
  expect(memoryUsed({ memory_stats: { usage: 10, stats: { inactive_file: 4 } } })).toBe(6);
  expect(memoryUsed({ memory_stats: { usage: 10, stats: { inactive_file: 40 } } })).toBe(10);
});
