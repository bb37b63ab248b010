/**
 * The firewall's table made again without nft: what nft lists is the same.
 * @module
 */
import { expect, test } from "bun:test";
import {
  Firewall,
  networkElements,
  portElements,
  type RulesetOptions,
} from "../../src/network/firewall/mod.ts";
import { bridge, everywhere, port } from "./networks.ts";
import { NetworkHost } from "./world.ts";

const network = bridge(1);
const apart = bridge(2, { icc: false, gatewayMode4: "routed" });
const elements = [
  ...networkElements(network),
  ...networkElements(apart),
  ...portElements(network, [...everywhere(8080, 1, 2), ...everywhere(9000, 1, 2, 9000, 100)]),
];
const others = [
  ...networkElements(network),
  ...portElements(network, [port("0.0.0.0", 81, "172.30.1.3", 80)]),
];

test.each<[string, Pick<RulesetOptions, "acceptMark" | "respectHostFirewall">]>([
  ["as usual", {}],
  ["with an accepted mark", { acceptMark: { value: 1, mask: 1 } }],
  ["with the host's firewall respected", { respectHostFirewall: true }],
])("the table %s is made again as nft made it", async (_, options) => {
  using host = new NetworkHost();
  await host.ready();
  using executors = host.executors();
  const firewall = new Firewall({ executor: () => executors.warm(), run: host.run, ...options });
  const listed = (): string => host.sh("nft list table inet caisson");
  await firewall.ensure(elements);
  const before = listed();
  // Without anything remembered, nothing is done.
  host.sh("nft flush ruleset");
  await firewall.remake(elements);
  expect(host.sh("nft list ruleset")).toBe("");
  await firewall.ensure(elements);
  await firewall.remember();
  for (const change of [
    "nft flush ruleset",
    "nft flush table inet caisson",
    "nft add chain inet caisson of-somebody; nft delete element inet caisson any4 { tcp . 8080 }",
  ]) {
    host.sh(change);
    await firewall.remake(elements);
    expect(listed()).toBe(before);
  }
  // It has the elements that it is given, and counts as loaded.
  await firewall.remake(others);
  expect(host.sh("nft list map inet caisson any4")).toContain("tcp . 81 : 172.30.1.3 . 80");
  expect(await firewall.ensure(elements)).toBe("kept");
  expect(listed()).toBe(before);
});

test("a table that somebody is changing is not remembered", async () => {
  using host = new NetworkHost();
  await host.ready();
  using executors = host.executors();
  const firewall = new Firewall({ executor: () => executors.warm(), run: host.run });
  await firewall.ensure(elements);
  host.sh("nft flush chain inet caisson forward");
  await firewall.remember();
  host.sh("nft flush ruleset");
  await firewall.remember();
  await firewall.remake(elements);
  expect(host.sh("nft list ruleset")).toBe("");
});
