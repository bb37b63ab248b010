/**
 * `caisson volume ls`
 * @module
 */
import type { Volume } from "@docker/node-sdk";
import type { Command } from "../command.ts";
import { toFilters } from "../filters.ts";
import { naturalOrder } from "../natural-order.ts";
import { formatList, labelText, listFormatFlag } from "../list-format.ts";
import { Row } from "../../template/mod.ts";
import { humanSize } from "../units.ts";

/** Heads of a list's columns. */
export const volumeHeaders: Readonly<Record<string, string>> = {
  Name: "VOLUME NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  Availability: "AVAILABILITY",
  Mountpoint: "MOUNTPOINT",
  Labels: "LABELS",
  Links: "LINKS",
  Group: "GROUP",
  Size: "SIZE",
  Status: "STATUS",
};

/** `caisson volume ls` */
export const volumes: Command = {
  use: "[OPTIONS]",
  flags: [
    {
      name: "filter",
      short: "f",
      type: "filter",
      usage: 'Provide filter values (e.g. "dangling=true")',
    },
    listFormatFlag,
    { name: "quiet", short: "q", type: "bool", usage: "Only display volume names" },
  ],
  args: { exact: 0 },
  run: async (context, flags) => {
    const given = flags.string("format") ?? "";
    const list = await (await context.client()).volumes.list(toFilters(flags.list("filter")));
    const all = (list.Volumes ?? []).toSorted((a, b) => naturalOrder(a.Name ?? "", b.Name ?? ""));
    const rows = all.map(volumeRow);
    const table = given === "" || given === "table";
    const format = flags.bool("quiet") ? "{{.Name}}" : table ? "table {{.Driver}}\t{{.Name}}" : given;
    context.stdout.text(formatList(rows, { format, headers: volumeHeaders }));
    return 0;
  },
};

/** A volume as a line of a list. */
export function volumeRow(volume: Volume): Row {
  const { UsageData: usage } = volume;
  const known = (text: (usage: NonNullable<Volume["UsageData"]>) => string) => (): string =>
    usage === undefined || usage === null ? "N/A" : text(usage);
  return new Row(
    "*formatter.volumeContext",
    {
      Name: () => volume.Name ?? "",
      Driver: () => volume.Driver ?? "",
      Scope: () => volume.Scope ?? "",
      Mountpoint: () => volume.Mountpoint ?? "",
      Labels: () => labelText(volume.Labels),
      Links: known(({ RefCount }) => String(RefCount)),
      Size: known(({ Size }) => humanSize(Size)),
      // Of cluster volumes, which need a swarm.
      Group: () => "N/A",
      Availability: () => "N/A",
      Status: () => "N/A",
    },
    { Label: (name) => volume.Labels?.[String(name)] ?? "" },
  );
}
