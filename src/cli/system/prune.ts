/**
 * `caisson system prune`
 * @module
 */
import type { Client, Filters } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { commandFailed } from "../failure-text.ts";
import { toFilters } from "../filters.ts";
import { confirmed, deletedLines } from "../prune.ts";
import { humanSize } from "../units.ts";

/** `caisson system prune` */
export const pruneSystem: Command = {
  use: "[OPTIONS]",
  flags: [
    { name: "all", short: "a", type: "bool", usage: "Remove all unused images not just dangling ones" },
    { name: "filter", type: "filter", usage: 'Provide filter values (e.g. "label=<key>=<value>")' },
    { name: "force", short: "f", type: "bool", usage: "Do not prompt for confirmation" },
    { name: "volumes", type: "bool", usage: "Prune anonymous volumes" },
  ],
  args: { exact: 0 },
  run: async (context, flags) => {
    const [all, volumes] = [flags.bool("all"), flags.bool("volumes")];
    const filters = toFilters(flags.list("filter"));
    if (volumes && filters["until"] !== undefined)
      throw commandFailed('ERROR: The "until" filter is not supported with "--volumes"');
    if (!flags.bool("force") && !(await confirmed(context, warning(all, volumes, flags.list("filter")))))
      return 0;
    const client = await context.client();
    let bytes = 0;
    for (const step of steps(client, filters, all, volumes)) {
      const { title, lines, space } = await step();
      if (lines.length > 0) context.stdout.text(`${title}:\n${lines.map((line) => `${line}\n`).join("")}\n`);
      bytes += space;
    }
    context.stdout.line(`Total reclaimed space: ${humanSize(bytes)}`);
    return 0;
  },
};

function warning(all: boolean, volumes: boolean, given: readonly string[]): string {
  const lines = [
    "all stopped containers",
    "all networks not used by at least one container",
    ...(volumes ? ["all anonymous volumes not used by at least one container"] : []),
    ...(all
      ? ["all images without at least one container associated to them", "all build cache"]
      : ["all dangling images", "unused build cache"]),
  ];
  const list = (items: readonly string[]): string => items.map((item) => `  - ${item}\n`).join("");
  const filters =
    given.length === 0 ? "" : `\n  Items to be pruned will be filtered with:\n${list(given.toSorted())}`;
  return `This will remove:\n${list(lines)}${filters}`;
}

/** What one of its parts removed. */
interface Removed {
  readonly title: string;
  readonly lines: readonly string[];
  readonly space: number;
}

/** The parts, in docker's order. This engine has no build cache. */
function steps(client: Client, filters: Filters, all: boolean, volumes: boolean): (() => Promise<Removed>)[] {
  const containers = async (): Promise<Removed> => {
    const { ContainersDeleted, SpaceReclaimed } = await client.containers.prune(filters);
    return { title: "Deleted Containers", lines: ContainersDeleted ?? [], space: SpaceReclaimed ?? 0 };
  };
  const networks = async (): Promise<Removed> => {
    const { NetworksDeleted } = await client.networks.prune(filters);
    return { title: "Deleted Networks", lines: NetworksDeleted ?? [], space: 0 };
  };
  const anonymous = async (): Promise<Removed> => {
    const { VolumesDeleted, SpaceReclaimed } = await client.volumes.prune(filters);
    return { title: "Deleted Volumes", lines: VolumesDeleted ?? [], space: SpaceReclaimed ?? 0 };
  };
  const images = async (): Promise<Removed> => {
    const answer = await client.images.prune({ ...filters, dangling: [String(!all)] });
    const lines = deletedLines(answer);
    return { title: "Deleted Images", lines, space: answer.SpaceReclaimed ?? 0 };
  };
  return [containers, networks, ...(volumes ? [anonymous] : []), images];
}
