import { expect, test } from "bun:test";
import type { BridgeOptions, PublishedPort } from "../types.ts";
import { linkElements, networkElements, portElements, type FirewallNetwork } from "./elements.ts";

const options: BridgeOptions = {
  bridge: "docker0",
  masquerade4: true,
  masquerade6: true,
  icc: true,
  gatewayMode4: "nat",
  gatewayMode6: "nat",
  hostBinding4: "0.0.0.0",
  inhibitIPv4: false,
  trustedInterfaces: [],
  interfacePrefix: "eth",
};
const network: FirewallNetwork = {
  options,
  subnets: ["172.17.0.0/16"],
  internal: false,
  directRouting: false,
};
const web: PublishedPort = {
  protocol: "tcp",
  hostAddress: "0.0.0.0",
  hostPort: 8080,
  containerPort: 80,
  count: 1,
  containerAddress: "172.17.0.2",
};

const texts = (elements: readonly { readonly set: string; readonly text: string }[]): string[] =>
  elements.map(({ set, text }) => `${set} ${text}`);

test("a network is its bridge, its subnets and what may enter it", () => {
  expect(texts(networkElements(network))).toEqual([
    'bridges "docker0"',
    'within "docker0" . "docker0" : accept',
    'entering ipv4 . "docker0" : goto enter-nat',
    'entering ipv6 . "docker0" : goto enter-nat',
    'home4 172.17.0.0/16 . "docker0"',
    "protected4 172.17.0.0/16",
    "masquerade4 172.17.0.0/16",
  ]);
});

test.each([
  ["icc off", { options: { ...options, icc: false } }, 'within "docker0" . "docker0" : goto without-icc'],
  ["internal, in", { internal: true }, 'entering ipv4 . "docker0" : drop'],
  ["internal, out", { internal: true }, 'leaving ipv6 . "docker0" : drop'],
  [
    "isolated",
    { options: { ...options, gatewayMode4: "isolated" as const } },
    'leaving ipv4 . "docker0" : drop',
  ],
  [
    "unprotected",
    { options: { ...options, gatewayMode4: "nat-unprotected" as const } },
    'entering ipv4 . "docker0" : goto enter-unprotected',
  ],
  [
    "routed",
    { options: { ...options, gatewayMode6: "routed" as const } },
    'entering ipv6 . "docker0" : goto enter-routed',
  ],
  [
    "an address of its own",
    { options: { ...options, hostIPv4: "192.0.2.7" } },
    "source4 172.17.0.0/16 : 192.0.2.7",
  ],
  ["trusted", { options: { ...options, trustedInterfaces: ["wg0"] } }, 'trusted4 172.17.0.0/16 . "wg0"'],
])("%s", (_, change, element) => {
  expect(texts(networkElements({ ...network, ...change }))).toContain(element);
});

test.each([
  ["internal", { internal: true }],
  ["direct routing", { directRouting: true }],
  ["routed", { options: { ...options, gatewayMode4: "routed" as const } }],
  ["unprotected", { options: { ...options, gatewayMode4: "nat-unprotected" as const } }],
])("containers of a network that is %s need no protection from direct access", (_, change) => {
  expect(
    texts(networkElements({ ...network, ...change })).filter((text) => text.startsWith("protected")),
  ).toEqual([]);
});

test("a published port leads from every address of the host, or from one", () => {
  expect(texts(portElements(network, [web]))).toEqual(["any4 tcp . 8080 : 172.17.0.2 . 80"]);
  expect(texts(portElements(network, [{ ...web, hostAddress: "127.0.0.1" }]))).toEqual([
    "at4 127.0.0.1 . tcp . 8080 : 172.17.0.2 . 80",
  ]);
});

test("a range is one element, or one for each port if it is shifted", () => {
  const range = { ...web, hostPort: 80, count: 10_000 };
  expect(texts(portElements(network, [range]))).toEqual(["any-range4 tcp . 80-10079 : 172.17.0.2"]);
  const shifted = texts(portElements(network, [{ ...range, hostPort: 81, count: 3 }]));
  expect(shifted).toEqual([80, 81, 82].map((port) => `any4 tcp . ${port + 1} : 172.17.0.2 . ${port}`));
});

test("IPv6 in front of IPv4, and ::1, are left to the proxy, whose ranges are led to it", () => {
  const range = {
    ...web,
    hostAddress: "::",
    hostPort: 9000,
    containerPort: 9000,
    count: 20,
    proxyPort: 4000,
  };
  expect(portElements(network, [{ ...web, hostAddress: "::" }])).toEqual([]);
  expect(texts(portElements(network, [range]))).toEqual(["proxied-any6 tcp . 9000-9019 : 4000"]);
  expect(texts(portElements(network, [{ ...range, containerAddress: "fd00::2" }]))).toEqual([
    "any-range6 tcp . 9000-9019 : fd00::2",
    "proxied-at6 ::1 . tcp . 9000-9019 : 4000",
  ]);
});

test("ports that may be named directly are ranges that don't overlap", () => {
  const direct = { ...network, directRouting: true };
  const ports = [web, { ...web, hostPort: 8081 }, { ...web, hostPort: 70, containerPort: 70, count: 20 }];
  const open = texts(portElements(direct, ports)).filter((text) => text.startsWith("open"));
  expect(open).toEqual(["open4 172.17.0.2 . tcp . 70-89"]);
  expect(texts(portElements({ ...direct, internal: true }, ports))).toEqual([]);
});

test("a link is the two containers and a port, once", () => {
  const link = { from: "172.17.0.3", to: "172.17.0.2", protocol: "udp", port: 53 } as const;
  expect(texts(linkElements([link, link]))).toEqual(["link4 172.17.0.3 . 172.17.0.2 . udp . 53"]);
});

test("keys are as the kernel wants them: fields in network order, each padded to 4 bytes", () => {
  const [port] = portElements(network, [web]);
  expect(port?.key).toEqual(Uint8Array.of(6, 0, 0, 0, 0x1f, 0x90, 0, 0));
  expect(port?.data).toEqual(Uint8Array.of(172, 17, 0, 2, 0, 80, 0, 0));
  const [, within, , , home, protectedSubnet] = networkElements(network);
  expect(within?.key.length).toBe(32);
  expect(home?.key.subarray(0, 4)).toEqual(Uint8Array.of(172, 17, 0, 0));
  expect(home?.keyEnd?.subarray(0, 4)).toEqual(Uint8Array.of(172, 17, 255, 255));
  expect(protectedSubnet?.behind).toEqual(Uint8Array.of(172, 18, 0, 0));
  const all = networkElements({ ...network, subnets: ["255.255.0.0/16"] });
  expect(all.find(({ set }) => set === "protected4")?.behind).toBeNull();
});
