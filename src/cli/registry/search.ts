/**
 * `caisson search`
 * @module
 */
import type { SearchResult } from "../../client/mod.ts";
import type { Command } from "../command.ts";
import { filterFlag, toFilters } from "../filters.ts";
import { ellipsis, formatList } from "../list-format.ts";
import { registryAuth } from "../registry-auth.ts";
import { Row } from "../../template/mod.ts";

const headers = { Name: "NAME", Description: "DESCRIPTION", StarCount: "STARS", IsOfficial: "OFFICIAL" };
const table = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}";

/** `caisson search` */
export const search: Command = {
  use: "[OPTIONS] TERM",
  flags: [
    filterFlag,
    { name: "format", type: "string", usage: "Pretty-print search using a Go template" },
    { name: "limit", type: "int", usage: "Max number of search results" },
    { name: "no-trunc", type: "bool", usage: "Don't truncate output" },
  ],
  args: { exact: 1 },
  run: async (context, flags, [term = ""]) => {
    const first = term.split("/", 1)[0] ?? "";
    const host = term.includes("/") && /[.:]|^localhost$/.test(first) ? first : "docker.io";
    const auth = registryAuth(host);
    const limit = flags.int("limit");
    const found = await (
      await context.client()
    ).images.search(term, {
      filters: toFilters(flags.list("filter")),
      ...(limit === undefined ? {} : { limit }),
      ...(auth === undefined ? {} : { auth }),
    });
    const given = flags.string("format") ?? "";
    const rows = found
      .toSorted((a, b) => b.star_count - a.star_count)
      .map((one) => new Found(one, !flags.bool("no-trunc")));
    context.stdout.text(
      formatList(rows, { format: given === "" || given === "table" ? table : given, headers }),
    );
    return 0;
  },
};

/** A line of the list. What is marked in it is a truth value in JSON. */
class Found extends Row {
  readonly #official: boolean;

  constructor({ name, description, star_count: stars, is_official: official }: SearchResult, short: boolean) {
    const text = description.replaceAll(/[\n\r]/g, " ");
    super("*formatter.searchContext", {
      Name: () => name,
      Description: () => (short ? ellipsis(text, 45) : text),
      StarCount: () => String(stars),
      IsOfficial: () => (official ? "[OK]" : ""),
    });
    this.#official = official;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), IsOfficial: String(this.#official) };
  }
}
