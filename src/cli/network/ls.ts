/**
 * `caisson network ls`
 * @module
 */
import type { Command } from "../command.ts";
import { toFilters } from "../filters.ts";
import { naturalOrder } from "../natural-order.ts";
import { formatList, labelText, listFormatFlag, shortId } from "../list-format.ts";
import { Row } from "../../template/mod.ts";

const headers = {
  ID: "NETWORK ID",
  Name: "NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  IPv4: "IPV4",
  IPv6: "IPV6",
  Internal: "INTERNAL",
  Labels: "LABELS",
  CreatedAt: "CREATED AT",
};

/** `caisson network ls` */
export const networks: Command = {
  use: "[OPTIONS]",
  flags: [
    {
      name: "filter",
      short: "f",
      type: "filter",
      usage: 'Provide filter values (e.g. "driver=bridge")',
    },
    listFormatFlag,
    { name: "no-trunc", type: "bool", usage: "Do not truncate the output" },
    { name: "quiet", short: "q", type: "bool", usage: "Only display network IDs" },
  ],
  args: { exact: 0 },
  run: async (context, flags) => {
    const given = flags.string("format") ?? "";
    const short = !flags.bool("no-trunc");
    const list = await (await context.client()).networks.list(toFilters(flags.list("filter")));
    const sorted = list.toSorted((a, b) => naturalOrder(a.Name ?? "", b.Name ?? ""));
    const rows = sorted.map(
      (network) =>
        new Row(
          "*network.networkContext",
          {
            ID: () => (short ? shortId(network.Id ?? "") : network.Id),
            Name: () => network.Name ?? "",
            Driver: () => network.Driver ?? "",
            Scope: () => network.Scope ?? "",
            // Before API 1.47 every network had IPv4 and nothing said so.
            IPv4: () => String(network.EnableIPv4 ?? true),
            IPv6: () => String(network.EnableIPv6 ?? false),
            Internal: () => String(network.Internal ?? false),
            Labels: () => labelText(network.Labels),
            CreatedAt: () => createdText(String(network.Created ?? "")),
          },
          { Label: (name) => network.Labels?.[String(name)] ?? "" },
        ),
    );
    const table = given === "" || given === "table";
    const format = flags.bool("quiet")
      ? "{{.ID}}"
      : table
        ? "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}"
        : given;
    context.stdout.text(formatList(rows, { format, headers }));
    return 0;
  },
};

/** `2026-11-24T04:41:37.656Z` as Go prints it. */
function createdText(created: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T([\d:.]+)(?:Z|([+-]\d\d):?(\d\d))$/.exec(created);
  if (match === null) return created;
  const [, day, clock, hours, minutes] = match;
  return hours === undefined
    ? `${day} ${clock} +0000 UTC`
    : `${day} ${clock} ${hours}${minutes} ${hours}${minutes}`;
}
