/**
 * `caisson network create`
 * @module
 */
import type { Command } from "../command.ts";
import { takeLabel, toMap } from "../key-values.ts";
import { subnetBodies } from "./subnets.ts";

/** `caisson network create` */
export const createNetwork: Command = {
  use: "[OPTIONS] NETWORK",
  flags: [
    { name: "attachable", type: "bool", usage: "Enable manual container attachment" },
    {
      name: "aux-address",
      type: "map",
      usage: "Auxiliary IPv4 or IPv6 addresses used by Network driver",
      shown: "map[]",
    },
    { name: "config-from", type: "string", usage: "The network from which to copy the configuration" },
    { name: "config-only", type: "bool", usage: "Create a configuration only network" },
    {
      name: "driver",
      short: "d",
      type: "string",
      usage: "Driver to manage the Network",
      shown: '"bridge"',
    },
    { name: "gateway", type: "strings", usage: "IPv4 or IPv6 Gateway for the master subnet" },
    { name: "ingress", type: "bool", usage: "Create swarm routing-mesh network" },
    { name: "internal", type: "bool", usage: "Restrict external access to the network" },
    { name: "ip-range", type: "strings", usage: "Allocate container ip from a sub-range" },
    { name: "ipam-driver", type: "string", usage: "IP Address Management Driver", shown: '"default"' },
    { name: "ipam-opt", type: "map", usage: "Set IPAM driver specific options", shown: "map[]" },
    { name: "ipv4", type: "bool", usage: "Enable or disable IPv4 address assignment", shown: "true" },
    { name: "ipv6", type: "bool", usage: "Enable or disable IPv6 address assignment" },
    { name: "label", type: "list", usage: "Set metadata on a network", take: takeLabel },
    { name: "opt", short: "o", type: "map", usage: "Set driver specific options", shown: "map[]" },
    { name: "scope", type: "string", usage: "Control the network's scope" },
    {
      name: "subnet",
      type: "strings",
      usage: "Subnet in CIDR format that represents a network segment",
    },
  ],
  args: { exact: 1 },
  run: async (context, flags, [name = ""]) => {
    const Config = subnetBodies({
      subnets: flags.list("subnet"),
      ranges: flags.list("ip-range"),
      gateways: flags.list("gateway"),
      auxiliary: toMap(flags.list("aux-address")),
    });
    const from = flags.string("config-from") ?? "";
    const answer = await (
      await context.client()
    ).networks.create({
      Name: name,
      Driver: flags.string("driver") ?? "bridge",
      Scope: flags.string("scope") ?? "",
      Internal: flags.bool("internal"),
      Attachable: flags.bool("attachable"),
      Ingress: flags.bool("ingress"),
      ConfigOnly: flags.bool("config-only"),
      ...(from === "" ? {} : { ConfigFrom: { Network: from } }),
      IPAM: {
        Driver: flags.string("ipam-driver") ?? "default",
        Options: toMap(flags.list("ipam-opt")),
        Config: [...Config],
      },
      ...(flags.has("ipv4") ? { EnableIPv4: flags.bool("ipv4") } : {}),
      ...(flags.has("ipv6") ? { EnableIPv6: flags.bool("ipv6") } : {}),
      Options: toMap(flags.list("opt")),
      Labels: toMap(flags.list("label")),
    });
    if ((answer.Warning ?? "") !== "") context.stderr.line(`WARNING: ${answer.Warning}`);
    context.stdout.line(answer.Id ?? "");
    return 0;
  },
};
