import { describe, expect, test } from "bun:test";
import { parseContainerPort, portRequests, type PortRequest } from "./requests.ts";

type Bindings = Parameters<typeof portRequests>[0]["bindings"];
const requests = (
  bindings: Bindings,
  exposed: readonly string[] = [],
  publishAll = false,
): readonly PortRequest[] => portRequests({ bindings, exposed, publishAll });

describe("container ports", () => {
  test("with and without a protocol", () => {
    expect(parseContainerPort("80")).toEqual({ port: 80, protocol: "tcp" });
    expect(parseContainerPort("53/UDP")).toEqual({ port: 53, protocol: "udp" });
    expect(parseContainerPort("65535/sctp")).toEqual({ port: 65535, protocol: "sctp" });
  });

  test.each([
    ["65536/tcp", 'invalid port specification: "65536"'],
    ["x", 'invalid port specification: "x"'],
    ["", 'invalid port specification: ""'],
    ["80-90", 'invalid port specification: "80-90"'],
    ["0/tcp", 'invalid port specification: "0/tcp"'],
    ["80/icmp", 'invalid port specification: "80/icmp": invalid proto: icmp'],
  ])("%p is refused", (text, problem) => {
    expect(() => parseContainerPort(text)).toThrow(problem);
  });
});

test.each(["x", "-1", "65536", "8-7", "1-65536", "8080-", "1-2-3"])("host port %p is refused", (HostPort) => {
  expect(() => requests({ "80/tcp": [{ HostPort }] })).toThrow(
    `invalid port specification: ${JSON.stringify(HostPort)}`,
  );
});

test("a range of the host's ports is one of which any will do", () => {
  expect(requests({ "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8000-8010" }] })).toEqual([
    {
      protocol: "tcp",
      containerPort: 80,
      count: 1,
      hostAddress: "127.0.0.1",
      hostFirst: 8000,
      hostLast: 8010,
    },
  ]);
  expect(requests({ "80/tcp": [{}] })[0]).toMatchObject({ hostFirst: 0, hostLast: 0 });
});

test("-P publishes what is exposed and not bound otherwise", () => {
  const bound: Bindings = { "80/tcp": [{ HostPort: "8080" }] };
  expect(
    requests(bound, ["80/tcp", "443/tcp"], true).map(({ containerPort, hostFirst }) => [
      containerPort,
      hostFirst,
    ]),
  ).toEqual([
    [80, 8080],
    [443, 0],
  ]);
  expect(requests(bound, ["443/tcp"], false)).toHaveLength(1);
});

test("ports that follow each other on both sides are one request, from sixteen on", () => {
  const run = (count: number, gap = -1): Bindings =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `${1000 + i}/tcp`,
        [{ HostIp: "0.0.0.0", HostPort: String(2000 + i + (i > gap && gap >= 0 ? 1 : 0)) }],
      ]),
    );
  expect(requests(run(15)).map(({ count }) => count)).toEqual(Array(15).fill(1));
  expect(requests(run(16))).toEqual([
    {
      protocol: "tcp",
      containerPort: 1000,
      count: 16,
      hostAddress: "0.0.0.0",
      hostFirst: 2000,
      hostLast: 2000,
    },
  ]);
  expect(requests(run(40, 19)).map(({ count }) => count)).toEqual([20, 20]);
  expect(requests(run(30, 19)).map(({ count }) => count)).toEqual([20, ...(Array(10).fill(1) as number[])]);
  // Free ports and ranges are chosen one by one.
  const free = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`${1000 + i}/tcp`, [{ HostPort: "0" }]]),
  );
  expect(requests(free)).toHaveLength(20);
});
