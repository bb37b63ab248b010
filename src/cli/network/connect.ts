/**
 * `caisson network connect|disconnect`
 * @module
 */
import type { Command } from "../command.ts";
import { takeLink } from "../container/addresses.ts";
import { commandFailed } from "../failure-text.ts";
import { cut } from "../key-values.ts";

/** `caisson network connect` */
export const connectNetwork: Command = {
  use: "[OPTIONS] NETWORK CONTAINER",
  flags: [
    { name: "alias", type: "strings", usage: "Add network-scoped alias for the container" },
    { name: "driver-opt", type: "strings", usage: "driver options for the network" },
    {
      name: "gw-priority",
      type: "int",
      usage: "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
    },
    { name: "ip", type: "string", usage: 'IPv4 address (e.g., "172.30.100.104")' },
    { name: "ip6", type: "string", usage: 'IPv6 address (e.g., "2001:db8::33")' },
    { name: "link", type: "list", usage: "Add link to another container", take: takeLink },
    { name: "link-local-ip", type: "strings", usage: "Add a link-local address for the container" },
  ],
  args: { exact: 2 },
  run: async (context, flags, [network = "", container = ""]) => {
    const DriverOpts = driverOptions(flags.list("driver-opt"));
    const addresses = {
      IPv4Address: flags.string("ip") ?? "",
      IPv6Address: flags.string("ip6") ?? "",
      LinkLocalIPs: [...flags.list("link-local-ip")],
    };
    const client = await context.client();
    await client.networks.connect(network, {
      Container: container,
      EndpointConfig: {
        IPAMConfig: addresses,
        Links: [...flags.list("link")],
        Aliases: [...flags.list("alias")],
        DriverOpts,
        GwPriority: flags.int("gw-priority") ?? 0,
      },
    });
    return 0;
  },
};

function driverOptions(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [key, value] = cut(word, "=").map((part) => part.trim()) as [string, string];
      if (key === "" || !word.includes("="))
        throw commandFailed("invalid key/value pair format in driver options");
      return [key, value];
    }),
  );
}

/** `caisson network disconnect` */
export const disconnectNetwork: Command = {
  use: "[OPTIONS] NETWORK CONTAINER",
  flags: [
    { name: "force", short: "f", type: "bool", usage: "Force the container to disconnect from a network" },
  ],
  args: { exact: 2 },
  run: async (context, flags, [network = "", container = ""]) => {
    const client = await context.client();
    await client.networks.disconnect(network, { Container: container, Force: flags.bool("force") });
    return 0;
  },
};
