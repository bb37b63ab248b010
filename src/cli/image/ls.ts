/**
 * `caisson images`
 * @module
 */
import type { ImageSummary } from "@docker/node-sdk";
import { failure } from "../../errors/mod.ts";
import type { Command } from "../command.ts";
import { filterFlag, toFilters } from "../filters.ts";
import { formatList, listFormatFlag, shortId } from "../list-format.ts";
import { familiarName, parseReference } from "../reference.ts";
import { Row } from "../../template/mod.ts";
import { goTime, humanDuration, humanSize } from "../units.ts";

/** Heads of a list's columns. */
export const imageHeaders: Readonly<Record<string, string>> = {
  ID: "IMAGE ID",
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Containers: "CONTAINERS",
  VirtualSize: "SIZE",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
};

const created = "{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}";

/** `caisson images` */
export const images: Command = {
  use: "[OPTIONS] [REPOSITORY[:TAG]]",
  flags: [
    { name: "all", short: "a", type: "bool", usage: "Show all images (default hides intermediate images)" },
    { name: "digests", type: "bool", usage: "Show digests" },
    filterFlag,
    listFormatFlag,
    { name: "no-trunc", type: "bool", usage: "Don't truncate output" },
    { name: "quiet", short: "q", type: "bool", usage: "Only show image IDs" },
    {
      name: "tree",
      type: "bool",
      usage: "List multi-platform images as a tree (EXPERIMENTAL)",
      hidden: true,
    },
  ],
  args: { min: 0, max: 1 },
  run: async (context, flags, [name]) => {
    if (flags.bool("tree")) throw failure("not-implemented", { what: "--tree" });
    const digests = flags.bool("digests");
    const filters = toFilters(flags.list("filter"));
    const format = chooseFormat(flags.string("format") ?? "table", flags.bool("quiet"), digests);
    const summaries = await (
      await context.client()
    ).images.list({
      all: flags.bool("all"),
      filters:
        name === undefined ? filters : { ...filters, reference: [...(filters["reference"] ?? []), name] },
    });
    const wanted = digests || format.includes("{{.Digest}}");
    const short = !flags.bool("no-trunc");
    const rows = summaries.flatMap((image) =>
      imageLines(image, wanted, digests).map((line) => imageRow(image, line, short)),
    );
    context.stdout.text(formatList(rows, { format, headers: imageHeaders }));
    return 0;
  },
};

function chooseFormat(given: string, quiet: boolean, digests: boolean): string {
  if (given === "table" || given === "") {
    if (quiet) return "{{.ID}}";
    const digest = digests ? "{{.Digest}}\t" : "";
    return `table {{.Repository}}\t{{.Tag}}\t${digest}{{.ID}}\t${created}\t{{.Size}}`;
  }
  if (given === "raw") {
    if (quiet) return "image_id: {{.ID}}";
    const digest = digests ? "digest: {{.Digest}}\n" : "";
    return `repository: {{ .Repository }}\ntag: {{.Tag}}\n${digest}image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n`;
  }
  const adds = given.startsWith("table") && digests && !given.includes("{{.Digest}}");
  return adds ? `${given}\t{{.Digest}}` : given;
}

/** A name of an image. */
export interface ImageLine {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** An image has a line for each of its tags, and for each digest without one. */
export function imageLines(image: ImageSummary, wanted: boolean, digestRows: boolean): readonly ImageLine[] {
  const none = "<none>";
  const tags = byRepository(image.RepoTags ?? [], "tag");
  const digests = byRepository(image.RepoDigests ?? [], "digest");
  if (tags.size === 0 && digests.size === 0) return [{ repository: none, tag: none, digest: none }];
  const result: ImageLine[] = [];
  for (const [repository, names] of tags) {
    const known = wanted ? (digests.get(repository) ?? [none]) : [none];
    digests.delete(repository);
    for (const tag of names) result.push(...known.map((digest) => ({ repository, tag, digest })));
  }
  for (const [repository, known] of digests) {
    const shown = digestRows ? known : [""];
    result.push(...shown.map((digest) => ({ repository, tag: none, digest })));
  }
  return result;
}

function byRepository(references: readonly string[], what: "tag" | "digest"): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const text of references) {
    if (text.startsWith("<none>")) continue;
    const reference = parseReference(text);
    const value = reference[what];
    if (value === undefined) continue;
    const name = familiarName(reference);
    result.set(name, [...(result.get(name) ?? []), value]);
  }
  return result;
}

/** A name of an image as a line of a list; `short` cuts its ID. */
export function imageRow(image: ImageSummary, line: ImageLine, short: boolean): Row {
  const seconds = image.Created ?? 0;
  const size = image.Size ?? 0;
  const shared = image.SharedSize ?? -1;
  return new Row("*formatter.imageContext", {
    ID: () => (short ? shortId(image.Id ?? "") : image.Id),
    Repository: () => line.repository,
    Tag: () => line.tag,
    Digest: () => line.digest,
    CreatedSince: () => `${humanDuration(Date.now() / 1000 - seconds)} ago`,
    CreatedAt: () => goTime(seconds),
    Size: () => humanSize(size, 3),
    Containers: () => ((image.Containers ?? -1) === -1 ? "N/A" : String(image.Containers)),
    VirtualSize: () => humanSize(size),
    SharedSize: () => (shared === -1 ? "N/A" : humanSize(shared)),
    UniqueSize: () => (shared === -1 ? "N/A" : humanSize(size - shared)),
  });
}
