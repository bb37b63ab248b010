import { expect, test } from "bun:test";
import { detectCgroups } from "./detect.ts";
import { debian9, unified } from "./fake-host.ts";
import { locateCgroup } from "./location.ts";
import { StatsReader, type FindFile } from "./stats.ts";
import type { Cgroup } from "./types.ts";
import type { CgroupStats } from "./stats.ts";

type Content = Record<string, string>;

function files(content: Readonly<Content>): FindFile {
  return (path) => {
    const read = (): string | undefined => content[path.replace(/^.*\/c1\//, "")];
    return { read, readRarely: read };
  };
}

function readStats(cgroup: Cgroup, find: FindFile): CgroupStats {
  return new StatsReader(cgroup, find).read();
}

const first = locateCgroup(detectCgroups(debian9), "/docker/c1");
const second = locateCgroup(detectCgroups(unified), "/docker/c1");

test("version 1", () => {
  const stats = readStats(
    first,
    files({
      "cpu.cfs_quota_us": "50000\n",
      "cpuacct.stat": "user 5\nsystem 7\n",
      "cpuacct.usage_percpu": "100 200 \n",
      "cpu.stat": "nr_periods 10\nnr_throttled 3\nthrottled_time 4000\n",
      "memory.usage_in_bytes": "4096\n",
      "memory.max_usage_in_bytes": "8192\n",
      "memory.limit_in_bytes": "9223372036854771712\n",
      "memory.failcnt": "2\n",
      "memory.stat": "cache 100\nhierarchical_memory_limit 9223372036854771712\n",
      "pids.current": "3\n",
      "pids.max": "50\n",
      "blkio.bfq.io_service_bytes_recursive": "Total 0\n",
      "blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\n8:0 Write 512\nTotal 4608\n",
      "blkio.throttle.io_serviced_recursive": "8:0 Read 1\nTotal 1\n",
    }),
  );
  expect(stats).toEqual({
    cpu: {
      usage: 300,
      user: 50_000_000,
      system: 70_000_000,
      each: [100, 200],
      periods: 10,
      throttledPeriods: 3,
      throttledTime: 4000,
    },
    memory: {
      usage: 4096,
      peak: 8192,
      limit: undefined,
      failures: 2,
      details: "cache 100\nhierarchical_memory_limit 9223372036854771712\n",
    },
    pids: { current: 3, limit: 50 },
    blockIO: {
      bytes: [
        { major: 8, minor: 0, operation: "Read", value: 4096 },
        { major: 8, minor: 0, operation: "Write", value: 512 },
      ],
      operations: [{ major: 8, minor: 0, operation: "Read", value: 1 }],
    },
  });
});

test("version 2", () => {
  const stats = readStats(
    second,
    files({
      "cpu.stat":
        "usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 1\nnr_throttled 1\nthrottled_usec 2\n",
      "memory.current": "4096\n",
      "memory.max": "65536\n",
      "memory.stat": "anon 1\nfile 2\n",
      "memory.events": "low 0\nmax 1\noom 1\noom_kill 1\n",
      "pids.current": "3\n",
      "pids.max": "max\n",
      "io.stat": "8:0 rbytes=4096 wbytes=512 rios=1 wios=2 dbytes=0 dios=0\n8:16 \n",
    }),
  );
  expect(stats).toEqual({
    cpu: { usage: 9000, user: 5000, system: 4000, periods: 1, throttledPeriods: 1, throttledTime: 2000 },
    memory: {
      usage: 4096,
      limit: 65_536,
      failures: 1,
      details: "anon 1\nfile 2\n",
    },
    pids: { current: 3, limit: undefined },
    blockIO: {
      bytes: [
        { major: 8, minor: 0, operation: "read", value: 4096 },
        { major: 8, minor: 0, operation: "write", value: 512 },
        { major: 8, minor: 16, operation: "read", value: 0 },
        { major: 8, minor: 16, operation: "write", value: 0 },
      ],
      operations: [
        { major: 8, minor: 0, operation: "read", value: 1 },
        { major: 8, minor: 0, operation: "write", value: 2 },
        { major: 8, minor: 16, operation: "read", value: 0 },
        { major: 8, minor: 16, operation: "write", value: 0 },
      ],
    },
  });
});

test("a cgroup that is gone uses nothing", () => {
  for (const cgroup of [first, second]) {
    expect(Object.values(readStats(cgroup, files({}))).every((part) => part === undefined)).toBe(true);
  }
});

test("what did nothing is looked at now and then; what no file says otherwise is the same object", () => {
  const content: Content = {
    "cpuacct.usage_percpu": "1 2 \n",
    "cpuacct.stat": "user 0\nsystem 0\n",
    "memory.usage_in_bytes": "1\n",
    "memory.stat": "cache 1\n",
    "pids.current": "1\n",
    "blkio.throttle.io_service_bytes_recursive": "Total 0\n",
  };
  const reader = new StatsReader(first, files(content));
  const before = reader.read();
  expect(before.blockIO).toEqual({ bytes: [], operations: [] });
  content["memory.stat"] = "cache 2\n";
  content["blkio.throttle.io_service_bytes_recursive"] = "8:0 Read 4096\nTotal 4096\n";
  content["blkio.throttle.io_serviced_recursive"] = "8:0 Read 1\nTotal 1\n";
  const idle = Array.from({ length: 4 }, () => reader.read());
  expect(idle.every((stats) => stats === before)).toBe(true);
  const after = reader.read();
  expect(after.cpu).toBe(before.cpu);
  expect(after.pids).toBe(before.pids);
  expect(after.memory).toEqual({ ...before.memory, usage: 1, failures: 0, details: "cache 2\n" });
  expect(after.blockIO).toEqual({
    bytes: [{ major: 8, minor: 0, operation: "Read", value: 4096 }],
    operations: [{ major: 8, minor: 0, operation: "Read", value: 1 }],
  });
  content["cpuacct.usage_percpu"] = "1 3 \n";
  content["pids.current"] = "2\n";
  expect(reader.read()).toMatchObject({ cpu: { usage: 4 }, pids: { current: 2 } });
});
