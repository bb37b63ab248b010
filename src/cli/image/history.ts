/**
 * `caisson history`
 * @module
 */
import type { HistoryResponseItem } from "@docker/node-sdk";
import type { Command } from "../command.ts";
import { ellipsis, formatList, listFormatFlag, shortId } from "../list-format.ts";
import { Row } from "../../template/mod.ts";
import { humanDuration, humanSize } from "../units.ts";

const headers = {
  ID: "IMAGE",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  CreatedBy: "CREATED BY",
  Size: "SIZE",
  Comment: "COMMENT",
};

/** `caisson history` */
export const history: Command = {
  use: "[OPTIONS] IMAGE",
  flags: [
    listFormatFlag,
    {
      name: "human",
      short: "H",
      type: "bool",
      usage: "Print sizes and dates in human readable format",
      shown: "true",
    },
    { name: "no-trunc", type: "bool", usage: "Don't truncate output" },
    {
      name: "platform",
      type: "string",
      usage: 'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    { name: "quiet", short: "q", type: "bool", usage: "Only show image IDs" },
  ],
  args: { exact: 1 },
  run: async (context, flags, [name = ""]) => {
    const platform = flags.string("platform");
    const layers = await (
      await context.client()
    ).images.history(name, platform === undefined ? {} : { platform });
    const human = flags.bool("human", true);
    const given = flags.string("format") ?? "";
    const date = human ? "{{.CreatedSince}}" : "{{.CreatedAt}}";
    const format = flags.bool("quiet")
      ? "{{.ID}}"
      : given === "" || given === "table"
        ? `table {{.ID}}\t${date}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`
        : given;
    const rows = layers.map((layer) => row(layer, human, !flags.bool("no-trunc")));
    context.stdout.text(formatList(rows, { format, headers }));
    return 0;
  },
};

function row(layer: HistoryResponseItem, human: boolean, short: boolean): Row {
  const command = (layer.CreatedBy ?? "").replaceAll("\t", " ");
  return new Row("*image.historyContext", {
    ID: () => (short ? shortId(layer.Id ?? "") : layer.Id),
    CreatedAt: () => new Date((layer.Created ?? 0) * 1000).toISOString().replace(".000Z", "Z"),
    CreatedSince: () =>
      layer.Created === 0 ? "N/A" : `${humanDuration(Date.now() / 1000 - (layer.Created ?? 0))} ago`,
    CreatedBy: () => (short ? ellipsis(command, 45) : command),
    Size: () => (human ? humanSize(layer.Size ?? 0, 3) : String(layer.Size ?? 0)),
    Comment: () => layer.Comment ?? "",
  });
}
