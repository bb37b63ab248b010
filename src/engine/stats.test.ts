import { expect, test } from "bun:test";
import type { CgroupStats } from "../cgroup/mod.ts";
import { parseHostCpu, parseInterfaces } from "./stats-host.ts";
import { emptySample, SampleMaker, statsLine } from "./stats-json.ts";

const host = parseHostCpu(
  "cpu  10 20 30 40 50 60 70 1000 2000 3000\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 1 2 3 4 5 6 7 8 9 10\nintr 5\n",
);
const interfaces = parseInterfaces(
  [
    "Inter-|   Receive                                                |  Transmit",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
    "    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0",
    "  eth0:1042 11 1 2 0 0 0 0 126 3 4 5 0 0 0 0",
  ].join("\n"),
  ["eth0", "gone"],
);

function parsed(version: 1 | 2, stats: CgroupStats): Record<string, Record<string, unknown>> {
  return JSON.parse(
    statsLine(new SampleMaker(version, 4096).sample("now", stats, host, interfaces), undefined),
  ) as never;
}

test("the host's processors: seven kinds of time", () => {
  expect(host).toEqual({ total: 2_800_000_000, processors: 2 });
});

test("interfaces that aren't there are left out", () => {
  expect([...interfaces]).toEqual([
    [
      "eth0",
      {
        rx_bytes: 1042,
        rx_packets: 11,
        rx_errors: 1,
        rx_dropped: 2,
        tx_bytes: 126,
        tx_packets: 3,
        tx_errors: 4,
        tx_dropped: 5,
      },
    ],
  ]);
});

test("version 1: numbers keep their digits, what Docker doesn't show isn't shown", () => {
  const details = "cache 100\nswap 1\nhierarchical_memory_limit 9223372036854771712\n";
  const entry = { major: 8, minor: 0, operation: "Read", value: 5 };
  const line = statsLine(
    new SampleMaker(1, 4096).sample(
      "now",
      {
        cpu: {
          usage: 7,
          user: 3,
          system: 4,
          each: [2, 5],
          periods: 1,
          throttledPeriods: 2,
          throttledTime: 3,
        },
        memory: { usage: 10, peak: 20, failures: 0, details },
        pids: { current: 1 },
        blockIO: { bytes: [entry], operations: [] },
      },
      host,
      interfaces,
    ),
    { ...emptySample, read: "before" },
    { name: "n", id: "i" },
  );
  expect(line).toStartWith(
    '{"name":"/n","id":"i","read":"now","preread":"before","pids_stats":{"current":1},',
  );
  expect(line).toContain(
    '"stats":{"cache":100,"hierarchical_memory_limit":9223372036854771712},"limit":4096}',
  );
  expect(line).toContain('"percpu_usage":[2,5]');
  expect(line).toContain('"io_service_bytes_recursive":[{"major":8,"minor":0,"op":"Read","value":5}]');
  expect(line).toContain('"io_serviced_recursive":[]');
  expect(line).toEndWith(
    '"networks":{"eth0":{"rx_bytes":1042,"rx_packets":11,"rx_errors":1,"rx_dropped":2,"tx_bytes":126,"tx_packets":3,"tx_errors":4,"tx_dropped":5}}}\n',
  );
});

test("version 2: no limit is Go's largest number, of block devices there are bytes alone", () => {
  const line = parsed(2, {
    memory: { usage: 10, limit: 2048, failures: 3, details: "anon 1\n" },
    pids: { current: 1 },
    blockIO: {
      bytes: [{ major: 8, minor: 0, operation: "read", value: 5 }],
      operations: [{ major: 8, minor: 0, operation: "read", value: 5 }],
    },
  });
  expect(line["memory_stats"]).toEqual({ usage: 10, stats: { anon: 1 }, failcnt: 3, limit: 2048 });
  expect(String(line["pids_stats"]?.["limit"])).toBe("18446744073709552000");
  expect(line["blkio_stats"]).toMatchObject({ io_serviced_recursive: null, io_queue_recursive: null });
  expect(line["cpu_stats"]).not.toHaveProperty("cpu_usage.percpu_usage");
});

test("a container that doesn't run uses nothing", () => {
  const line = JSON.parse(statsLine(emptySample, undefined, { name: "n", id: "i" })) as Record<
    string,
    unknown
  >;
  expect(line).toMatchObject({ read: "0001-01-01T00:00:00Z", pids_stats: {}, memory_stats: {} });
  expect(line).not.toHaveProperty("networks");
});

test("a part that is another is written anew", () => {
  const maker = new SampleMaker(2, 4096);
  const look = (usage: number, current: number): unknown =>
    JSON.parse(
      statsLine(
        maker.sample(
          "now",
          { pids: { current }, memory: { usage, failures: 0, details: "anon 1\n" } },
          host,
          interfaces,
        ),
        undefined,
      ),
    );
  expect(look(1, 2)).toMatchObject({
    memory_stats: { usage: 1, stats: { anon: 1 } },
    pids_stats: { current: 2 },
  });
  expect(look(3, 2)).toMatchObject({
    memory_stats: { usage: 3, stats: { anon: 1 } },
    pids_stats: { current: 2 },
  });
  expect(look(3, 4)).toMatchObject({ memory_stats: { usage: 3 }, pids_stats: { current: 4 } });
});
