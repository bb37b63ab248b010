/**
 * `caisson system df`
 * @module
 */
import type { DiskUsage } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { containerHeaders, containerRow } from "../container/ps.ts";
import { imageHeaders, imageLines, imageRow } from "../image/ls.ts";
import { execute, formatList, listFormatFlag, parse } from "../list-format.ts";
import { Row } from "../../template/mod.ts";
import { humanSize } from "../units.ts";
import { volumeHeaders, volumeRow } from "../volume/ls.ts";

const headers = {
  Type: "TYPE",
  TotalCount: "TOTAL",
  Active: "ACTIVE",
  Size: "SIZE",
  Reclaimable: "RECLAIMABLE",
};
const table = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";

const imageTable =
  "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
const containerTable =
  "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}";
const volumeTable = "table {{.Name}}\t{{.Links}}\t{{.Size}}";
const cacheTable =
  "table {{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}";
const cacheHeaders = {
  ID: "CACHE ID",
  CacheType: "CACHE TYPE",
  Size: "SIZE",
  CreatedSince: "CREATED",
  LastUsedSince: "LAST USED",
  UsageCount: "USAGE",
  Shared: "SHARED",
};

/** `caisson system df` */
export const df: Command = {
  use: "[OPTIONS]",
  flags: [
    listFormatFlag,
    { name: "verbose", short: "v", type: "bool", usage: "Show detailed information on space usage" },
  ],
  args: { exact: 0 },
  run: async (context, flags) => {
    const given = flags.string("format") ?? "";
    const usage = await (await context.client()).system.diskUsage();
    if (flags.bool("verbose")) {
      context.stdout.text(given === "" || given === "table" ? details(usage) : formatted(usage, given));
      return 0;
    }
    const rows = sums(usage).map(sumRow);
    context.stdout.text(
      formatList(rows, { format: given === "" || given === "table" ? table : given, headers }),
    );
    return 0;
  },
};

/** All things of a kind. */
interface Sum {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly bytes: number;
  readonly reclaimable: number;
  /** Docker says no percentage of the cache. */
  readonly percentage: boolean;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function sums({ LayersSize = 0, Images, Containers, Volumes, BuildCache }: DiskUsage): readonly Sum[] {
  const images = Images ?? [];
  // A layer that several images share stays as long as one of them is used.
  const used = images.filter(({ Containers: users }) => (users ?? 0) > 0);
  const kept = sum(
    used.filter(({ Size }) => Size !== -1).map(({ Size, SharedSize }) => (Size ?? 0) - (SharedSize ?? 0)),
  );
  const containers = Containers ?? [];
  const busy = containers.filter(({ State }) => /running|paused|restarting/.test(State ?? ""));
  const written = (list: typeof containers): number => sum(list.map(({ SizeRw }) => SizeRw ?? 0));
  const volumes = Volumes ?? [];
  const size = (list: typeof volumes): number =>
    sum(list.map(({ UsageData }) => Math.max(0, UsageData?.Size ?? 0)));
  const inUse = volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0);
  const cache = (BuildCache ?? []).filter(({ Shared }) => Shared !== true);
  const cached = (list: typeof cache): number => sum(list.map(({ Size }) => Size ?? 0));
  const cacheInUse = cache.filter(({ InUse }) => InUse === true);
  return [
    {
      type: "Images",
      total: images.length,
      active: used.length,
      bytes: LayersSize,
      reclaimable: LayersSize - kept,
      percentage: true,
    },
    {
      type: "Containers",
      total: containers.length,
      active: busy.length,
      bytes: written(containers),
      reclaimable: written(containers) - written(busy),
      percentage: true,
    },
    {
      type: "Local Volumes",
      total: volumes.length,
      active: inUse.length,
      bytes: size(volumes),
      reclaimable: size(volumes) - size(inUse),
      percentage: true,
    },
    {
      type: "Build Cache",
      total: (BuildCache ?? []).length,
      active: cacheInUse.length,
      bytes: cached(cache),
      reclaimable: cached(cache) - cached(cacheInUse),
      percentage: false,
    },
  ];
}

function sumRow({ type, total, active, bytes, reclaimable, percentage }: Sum): Row {
  const share = percentage && bytes > 0 ? ` (${Math.trunc((reclaimable * 100) / bytes)}%)` : "";
  return new Row("*formatter.diskUsageContext", {
    Type: () => type,
    TotalCount: () => String(total),
    Active: () => String(active),
    Size: () => humanSize(bytes),
    Reclaimable: () => `${humanSize(reclaimable)}${share}`,
  });
}

/** Everything that takes room, line by line. */
interface Details {
  readonly images: readonly Row[];
  readonly containers: readonly Row[];
  readonly volumes: readonly Row[];
}

function rowsOf({ Images, Containers, Volumes }: DiskUsage, short: boolean): Details {
  return {
    images: (Images ?? []).flatMap((image) =>
      imageLines(image, false, false).map((line) =>
        imageRow(image, line.digest === "<none>" ? { ...line, digest: "" } : line, short),
      ),
    ),
    containers: (Containers ?? []).map((container) =>
      // In this list the size is what the container wrote, and no more.
      containerRow({ ...container, SizeRootFs: 0 }, short),
    ),
    volumes: (Volumes ?? []).map(volumeRow),
  };
}

function details(usage: DiskUsage): string {
  const { images, containers, volumes } = rowsOf(usage, true);
  const cache = sums(usage).find(({ type }) => type === "Build Cache")?.bytes ?? 0;
  return [
    "Images space usage:\n\n",
    formatList(images, { format: imageTable, headers: { ...imageHeaders, Containers: "CONTAINERS" } }),
    "\nContainers space usage:\n\n",
    formatList(containers, { format: containerTable, headers: containerHeaders }),
    "\nLocal Volumes space usage:\n\n",
    formatList(volumes, { format: volumeTable, headers: volumeHeaders }),
    `\nBuild cache usage: ${humanSize(cache)}\n\n`,
    formatList([], { format: cacheTable, headers: cacheHeaders }),
  ].join("");
}

/** With a template all of it is one value, not a list, and docker ends it without a line's end. */
function formatted(usage: DiskUsage, format: string): string {
  const { images, containers, volumes } = rowsOf(usage, false);
  const whole = { Images: images, Containers: containers, Volumes: volumes, BuildCache: [] };
  return execute(parse(format === "json" ? "{{json .}}" : format), whole);
}
