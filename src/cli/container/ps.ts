/**
 * `caisson ps`
 * @module
 */
import type { ContainerSummary } from "@docker/node-sdk";
import type { Command } from "../command.ts";
import { filterFlag, toFilters } from "../filters.ts";
import { ellipsis, formatList, labelText, listFormatFlag, shortId } from "../list-format.ts";
import { familiarName, parseReference } from "../reference.ts";
import { Row } from "../../template/mod.ts";
import { goTime, humanDuration, humanSize } from "../units.ts";
import { portsText } from "./ports-text.ts";

/** Heads of a list's columns. */
export const containerHeaders: Readonly<Record<string, string>> = {
  ID: "CONTAINER ID",
  Names: "NAMES",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  Ports: "PORTS",
  State: "STATE",
  Status: "STATUS",
  Size: "SIZE",
  Labels: "LABELS",
  Mounts: "MOUNTS",
  LocalVolumes: "LOCAL VOLUMES",
  Networks: "NETWORKS",
  Platform: "PLATFORM",
};

const table = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
const raw = `container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
`;

/** `caisson ps` */
export const ps: Command = {
  use: "[OPTIONS]",
  flags: [
    { name: "all", short: "a", type: "bool", usage: "Show all containers (default shows just running)" },
    filterFlag,
    listFormatFlag,
    {
      name: "last",
      short: "n",
      type: "int",
      usage: "Show n last created containers (includes all states)",
      shown: "-1",
    },
    {
      name: "latest",
      short: "l",
      type: "bool",
      usage: "Show the latest created container (includes all states)",
    },
    { name: "no-trunc", type: "bool", usage: "Don't truncate output" },
    { name: "quiet", short: "q", type: "bool", usage: "Only display container IDs" },
    { name: "size", short: "s", type: "bool", usage: "Display total file sizes" },
  ],
  args: { exact: 0 },
  run: async (context, flags) => {
    const last = flags.bool("latest") && !flags.has("last") ? 1 : (flags.int("last") ?? -1);
    const format = chooseFormat(flags.string("format") ?? "", flags.bool("quiet"), flags.bool("size"));
    // A template that shows the size needs it measured; the word `json` alone doesn't ask for it.
    const size = flags.bool("size") || /\.Size\b|\bjson \.[ }|]/.test(format);
    const containers = await (
      await context.client()
    ).containers.list({
      all: flags.bool("all"),
      size,
      filters: toFilters(flags.list("filter")),
      ...(last > 0 ? { limit: last } : {}),
    });
    const rows = containers.map((container) => containerRow(container, !flags.bool("no-trunc")));
    context.stdout.text(formatList(rows, { format, headers: containerHeaders }));
    return 0;
  },
};

function chooseFormat(given: string, quiet: boolean, size: boolean): string {
  if (given === "raw") {
    if (quiet) return "container_id: {{.ID}}";
    return size ? `${raw}size: {{.Size}}\n` : raw;
  }
  if (quiet) return "{{.ID}}";
  if (given !== "" && given !== "table") return given;
  return size ? `${table}\t{{.Size}}` : table;
}

/** A container as a line of a list; `short` cuts what is long. */
export function containerRow(container: ContainerSummary, short: boolean): Row {
  const created = container.Created ?? 0;
  const mounts = container.Mounts ?? [];
  return new Row(
    "*formatter.ContainerContext",
    {
      ID: () => (short ? shortId(container.Id ?? "") : container.Id),
      Names: () => namesText(container.Names ?? [], short),
      Image: () => imageText(container, short),
      Command: () => JSON.stringify(short ? ellipsis(container.Command ?? "", 20) : container.Command),
      CreatedAt: () => goTime(created),
      RunningFor: () => `${humanDuration(Date.now() / 1000 - created)} ago`,
      Ports: () => portsText(container.Ports ?? []),
      State: () => container.State ?? "",
      Status: () => container.Status ?? "",
      Size: () => sizeText(container.SizeRw ?? 0, container.SizeRootFs ?? 0),
      Labels: () => labelText(container.Labels),
      Mounts: () =>
        mounts
          .map((mount) => ((mount.Name ?? "") === "" ? mount.Source : mount.Name) ?? "")
          .map((name) => (short ? ellipsis(name, 15) : name))
          .join(","),
      LocalVolumes: () => String(mounts.filter((mount) => mount.Driver === "local").length),
      Networks: () => Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
      Platform: () => null,
    },
    { Label: (name) => container.Labels?.[String(name)] ?? "" },
  );
}

function namesText(names: readonly string[], short: boolean): string {
  const bare = names.map((name) => name.slice(1));
  const own = bare.find((name) => !name.includes("/"));
  return short && own !== undefined ? own : bare.join(",");
}

function imageText(container: ContainerSummary, short: boolean): string {
  const image = container.Image ?? "";
  if (image === "") return "<no image>";
  if (!short) return image;
  const id = shortId(container.ImageID ?? "");
  if (id === shortId(image)) return id;
  try {
    const reference = parseReference(image);
    const name = familiarName(reference);
    return reference.tag === undefined ? name : `${name}:${reference.tag}`;
  } catch {
    return image;
  }
}

function sizeText(own: number, whole: number): string {
  const text = humanSize(own, 3);
  return whole > 0 ? `${text} (virtual ${humanSize(whole, 3)})` : text;
}
