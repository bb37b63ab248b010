/**
 * `caisson container|image|network|volume prune`
 * @module
 */
import type { ImagePruneResponse } from "@docker/node-sdk";
import type { Client, Filters } from "../client/mod.ts";
import type { Command, Context } from "./command.ts";
import { toFilters } from "./filters.ts";
import type { Flags, FlagSpec } from "./flags.ts";
import { humanSize } from "./units.ts";

const forceFlag: FlagSpec = {
  name: "force",
  short: "f",
  type: "bool",
  usage: "Do not prompt for confirmation",
};

function filterFlag(example: string): FlagSpec {
  return { name: "filter", type: "filter", usage: `Provide filter values (e.g. "${example}")` };
}

/** What went. */
interface Pruned {
  readonly lines: readonly string[];
  /** The space that it gave back; undefined where it takes none. */
  readonly bytes?: number;
}

/** What a prune is about. */
interface Kind {
  /** A filter for its help. */
  readonly example: string;
  /** What `--all` is said to do; undefined: there is none. */
  readonly all?: string;
  /** What the person is warned of. */
  readonly warning: (all: boolean) => string;
  readonly title: string;
  /** Filters beside those that were given. */
  readonly filters?: (all: boolean) => Filters;
  readonly work: (client: Client, filters: Filters) => Promise<Pruned>;
}

function pruneCommand(kind: Kind): Command {
  const all: readonly FlagSpec[] =
    kind.all === undefined ? [] : [{ name: "all", short: "a", type: "bool", usage: kind.all }];
  return {
    use: "[OPTIONS]",
    flags: [...all, filterFlag(kind.example), forceFlag],
    args: { exact: 0 },
    run: (context, flags) => prune(context, flags, kind),
  };
}

async function prune(context: Context, flags: Flags, kind: Kind): Promise<number> {
  const all = kind.all !== undefined && flags.bool("all");
  if (!flags.bool("force") && !(await confirmed(context, kind.warning(all)))) return 0;
  const filters = { ...toFilters(flags.list("filter")), ...kind.filters?.(all) };
  const { lines, bytes } = await kind.work(await context.client(), filters);
  if (lines.length > 0) context.stdout.text(`${kind.title}:\n${lines.map((line) => `${line}\n`).join("")}\n`);
  if (bytes !== undefined) context.stdout.line(`Total reclaimed space: ${humanSize(bytes)}`);
  return 0;
}

/** What a prune of images did, line by line. */
export function deletedLines({ ImagesDeleted }: ImagePruneResponse): string[] {
  return (ImagesDeleted ?? []).map((item) =>
    (item.Untagged ?? "") === "" ? `deleted: ${item.Deleted ?? ""}` : `untagged: ${item.Untagged}`,
  );
}

/** Asks; whether the person says yes. */
export async function confirmed(context: Context, warning: string): Promise<boolean> {
  context.stdout.text(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  let answer = "";
  for await (const bytes of context.stdin()) {
    answer += new TextDecoder().decode(bytes);
    if (answer.includes("\n")) break;
  }
  return answer.split("\n")[0]?.trim().toLowerCase() === "y";
}

/** `caisson container prune` */
export const pruneContainers: Command = pruneCommand({
  example: "until=<timestamp>",
  warning: () => "This will remove all stopped containers.",
  title: "Deleted Containers",
  work: async (client, filters) => {
    const answer = await client.containers.prune(filters);
    return { lines: answer.ContainersDeleted ?? [], bytes: answer.SpaceReclaimed ?? 0 };
  },
});

/** `caisson image prune` */
export const pruneImages: Command = pruneCommand({
  example: "until=<timestamp>",
  all: "Remove all unused images, not just dangling ones",
  warning: (all) =>
    all
      ? "This will remove all images without at least one container associated to them."
      : "This will remove all dangling images.",
  title: "Deleted Images",
  filters: (all) => ({ dangling: [String(!all)] }),
  work: async (client, filters) => {
    const answer = await client.images.prune(filters);
    const lines = deletedLines(answer);
    return { lines, bytes: answer.SpaceReclaimed ?? 0 };
  },
});

/** `caisson network prune` */
export const pruneNetworks: Command = pruneCommand({
  example: "until=<timestamp>",
  warning: () => "This will remove all custom networks not used by at least one container.",
  title: "Deleted Networks",
  work: async (client, filters) => {
    const answer = await client.networks.prune(filters);
    return { lines: answer.NetworksDeleted ?? [] };
  },
});

/** `caisson volume prune` */
export const pruneVolumes: Command = pruneCommand({
  example: "label=<label>",
  all: "Remove all unused volumes, not just anonymous ones",
  warning: (all) =>
    all
      ? "This will remove all local volumes not used by at least one container."
      : "This will remove anonymous local volumes not used by at least one container.",
  title: "Deleted Volumes",
  filters: (all): Filters => (all ? { all: ["true"] } : {}),
  work: async (client, filters) => {
    const answer = await client.volumes.prune(filters);
    return { lines: answer.VolumesDeleted ?? [], bytes: answer.SpaceReclaimed ?? 0 };
  },
});
