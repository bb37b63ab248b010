import { expect, test } from "bun:test";
import { portRequests } from "./requests.ts";
import { PortReservations } from "./reservations.ts";
import { hostPorts, publishPorts, type PublishingContext } from "./publish.ts";

const range = { first: 32768, last: 32771 };
const dual: PublishingContext = {
  ipv4: "172.17.0.2",
  defaultAddresses: ["0.0.0.0", "::"],
  userlandProxy: true,
};

function requests(
  bindings: Parameters<typeof portRequests>[0]["bindings"],
  exposed: string[] = [],
): ReturnType<typeof portRequests> {
  return portRequests({ exposed, bindings, publishAll: exposed.length > 0 });
}

test("a port without an address is published on both families, leading to what the container has", () => {
  const published = publishPorts(
    requests({ "80/tcp": [{ HostPort: "8080" }] }),
    new PortReservations(range),
    dual,
  );
  expect(published).toEqual([
    {
      protocol: "tcp",
      hostAddress: "0.0.0.0",
      hostPort: 8080,
      containerPort: 80,
      count: 1,
      containerAddress: "172.17.0.2",
    },
    {
      protocol: "tcp",
      hostAddress: "::",
      hostPort: 8080,
      containerPort: 80,
      count: 1,
      containerAddress: "172.17.0.2",
    },
  ]);
});

test("without a proxy nothing leads from IPv6 to a container without it", () => {
  const published = publishPorts(
    requests({ "80/tcp": [{ HostPort: "8080" }, { HostIp: "::1", HostPort: "8081" }] }),
    new PortReservations(range),
    { ...dual, userlandProxy: false },
  );
  expect(published.map(({ hostAddress }) => hostAddress)).toEqual(["0.0.0.0"]);
});

test("a port that is taken is refused in Docker's words, and nothing stays taken", () => {
  const ports = new PortReservations(range);
  publishPorts(requests({ "80/tcp": [{ HostPort: "8080" }] }), ports, dual);
  const second = requests({
    "81/tcp": [{ HostPort: "8090" }],
    "82/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }],
  });
  expect(() => publishPorts(second, ports, dual)).toThrow(
    "Bind for 0.0.0.0:8080 failed: port is already allocated",
  );
  expect(ports.free({ protocol: "tcp", address: "0.0.0.0", first: 8090, last: 8090 })).toBe(true);
  expect(ports.free({ protocol: "udp", address: "0.0.0.0", first: 8080, last: 8080 })).toBe(true);
});

test("free ports are given out one after the other, the same in both families, until there is none", () => {
  const ports = new PortReservations(range);
  const any = requests({}, ["80/tcp"]);
  const got = Array.from({ length: 4 }, () => publishPorts(any, ports, dual));
  expect(got.map(([first, second]) => [first?.hostPort, second?.hostPort])).toEqual([
    [32768, 32768],
    [32769, 32769],
    [32770, 32770],
    [32771, 32771],
  ]);
  expect(() => publishPorts(any, ports, dual)).toThrow("all ports are allocated");
  ports.release([{ protocol: "tcp", address: "0.0.0.0", first: 32769, last: 32769 }]);
  expect(() => publishPorts(any, ports, dual)).toThrow("all ports are allocated");
  ports.release([{ protocol: "tcp", address: "::", first: 32769, last: 32769 }]);
  expect(publishPorts(any, ports, dual)[0]?.hostPort).toBe(32769);
});

test("Docker picks out of a range of host ports", () => {
  const ports = new PortReservations(range);
  const pick = requests({ "80/tcp": [{ HostPort: "9000-9001" }] });
  expect(publishPorts(pick, ports, dual)[0]?.hostPort).toBe(9000);
  expect(publishPorts(pick, ports, dual)[0]?.hostPort).toBe(9001);
  expect(() => publishPorts(pick, ports, dual)).toThrow("all ports are allocated");
});

test("many ports in a row are one request, and cost as much as one", () => {
  const bindings = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [`${10_000 + i}/tcp`, [{ HostPort: String(20_000 + i) }]]),
  );
  const joined = requests(bindings);
  expect(joined).toEqual([
    {
      protocol: "tcp",
      containerPort: 10_000,
      count: 10_000,
      hostAddress: "",
      hostFirst: 20_000,
      hostLast: 20_000,
    },
  ]);
  const ports = new PortReservations(range);
  expect(publishPorts(joined, ports, dual)).toHaveLength(2);
  expect(() => publishPorts(requests({ "80/tcp": [{ HostPort: "25000" }] }), ports, dual)).toThrow("25000");
  expect(() => publishPorts(joined, ports, dual)).toThrow("Bind for 0.0.0.0:20000 failed");
});

const span = (protocol: string, HostIp = "", count = 20): Parameters<typeof requests>[0] =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `${7000 + i}/${protocol}`,
      [{ HostIp, HostPort: `${7000 + i}` }],
    ]),
  );

test("a range of datagrams has no proxy: where that alone leads it is left out, or one port after the other", () => {
  const publish = (bindings: Parameters<typeof requests>[0], context = dual): string[] =>
    publishPorts(requests(bindings), new PortReservations({ first: 32768, last: 40000 }), context).map(
      ({ hostAddress, count, proxyPort }) =>
        `${hostAddress} ${count}${proxyPort === undefined ? "" : " proxied"}`,
    );
  const each = (address: string): string[] => Array<string>(20).fill(`${address} 1`);
  expect(publish(span("udp"))).toEqual(["0.0.0.0 20"]);
  expect(publish(span("udp", "fd00::1"))).toEqual(each("fd00::1"));
  expect(publish(span("tcp"))).toEqual(["0.0.0.0 20", ":: 20 proxied"]);
  expect(publish(span("sctp"))).toEqual(["0.0.0.0 20", ":: 20 proxied"]);
  const both = { ...dual, ipv6: "fd00::2" };
  expect(publish(span("udp"), both)).toEqual(["0.0.0.0 20", ":: 20"]);
  expect(publish(span("udp", "fd00::1"), both)).toEqual(["fd00::1 20"]);
  expect(publish(span("udp", "::1"), both)).toEqual(each("::1"));
  expect(publish(span("udp", "::1"), { ...both, userlandProxy: false })).toEqual(["::1 20"]);
  // Only TCP can be steered past the host's rules to one socket.
  const steered = { ...dual, steered: true };
  expect(publish(span("tcp"), steered)).toEqual(["0.0.0.0 20 proxied", ":: 20 proxied"]);
  for (const protocol of ["udp", "sctp"]) expect(publish(span(protocol), steered)).toHaveLength(40);
});

test("where the container's own address is reached no port of the host is taken", () => {
  const ports = new PortReservations(range);
  const wanted = requests({
    "80/tcp": [{ HostPort: "8080" }],
    "81/tcp": [{ HostIp: "127.0.0.1", HostPort: "81" }],
  });
  const published = (context: Partial<PublishingContext>): string[] =>
    publishPorts(wanted, new PortReservations(range), { ...dual, ...context }).map(
      ({ hostAddress, hostPort, containerPort }) => `${hostAddress} ${hostPort} ${containerPort}`,
    );
  expect(published({ routed4: true })).toEqual(["0.0.0.0 0 80", ":: 8080 80", "0.0.0.0 0 81"]);
  const both = { ipv6: "fd00::2", routed4: true, routed6: true };
  expect(published(both)).toEqual(["0.0.0.0 0 80", ":: 0 80", "0.0.0.0 0 81"]);
  for (let i = 0; i < 2; i++) publishPorts(wanted, ports, { ...dual, ...both });
  expect(ports.free({ protocol: "tcp", address: "0.0.0.0", first: 1, last: 65535 })).toBe(true);
  // Nor is anything given back that was never taken.
  expect(publishPorts(wanted, ports, { ...dual, ...both }).flatMap(hostPorts)).toEqual([]);
});

test("a few ports in a row stay ports of their own, each with its proxy", () => {
  const bindings = { "80/tcp": [{ HostPort: "8080" }], "81/tcp": [{ HostPort: "8081" }] };
  expect(requests(bindings).map(({ count }) => count)).toEqual([1, 1]);
});

test.each([
  [{ "0/tcp": [] }, 'invalid port specification: "0/tcp"'],
  [{ "80/icmp": [] }, "invalid proto: icmp"],
  [{ "80/tcp": [{ HostPort: "x" }] }, 'invalid port specification: "x"'],
  [{ "80/tcp": [{ HostPort: "70000" }] }, "70000"],
  [{ "80/tcp": [{ HostPort: "90-80" }] }, "90-80"],
  [{ "80/tcp": [{ HostIp: "localhost", HostPort: "80" }] }, "invalid IP address: localhost"],
])("%p is refused", (bindings, text) => {
  expect(() => requests(bindings)).toThrow(text);
});

test("what is exposed is published only if all is asked for, and once", () => {
  const bindings = { "80/tcp": [{ HostPort: "8080" }] };
  expect(portRequests({ exposed: ["80/tcp", "90/udp"], bindings, publishAll: false })).toHaveLength(1);
  const all = portRequests({ exposed: ["80/tcp", "90/udp"], bindings, publishAll: true });
  expect(all.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`)).toEqual([
    "80/tcp",
    "90/udp",
  ]);
});
