/**
 * Lists with --format: `table`, `table TEMPLATE`, `raw`, `json`, or a template for each line.
 * @module
 */
import { commandFailed } from "./failure-text.ts";
import type { FlagSpec } from "./flags.ts";
import { alignColumns } from "./table.ts";
import { headerFunctions, Row, Template } from "../template/mod.ts";
import { messageOf } from "../errors/mod.ts";

/** The --format flag of a list. */
export const listFormatFlag: FlagSpec = {
  name: "format",
  type: "string",
  usage: `Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates`,
};

/** How a list looks. */
export interface ListFormat {
  /** What was asked for: a template, or one of the words. */
  readonly format: string;
  /** Names of the columns in the table's head. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The text of a list. @throws command-failed with Go's text when the template is wrong */
export function formatList(rows: readonly Row[], { format, headers }: ListFormat): string {
  const table = format.startsWith("table");
  const body = format === "json" ? "{{json .}}" : table ? format.slice("table".length) : format;
  const template = parse(
    body
      .replace(/^ +| +$/g, "")
      .replaceAll("\\t", "\t")
      .replaceAll("\\n", "\n"),
  );
  const lines = rows.map((row) => `${execute(template, row)}\n`).join("");
  if (!table) return lines;
  return alignColumns(`${template.execute(header(headers), { functions: headerFunctions })}\n${lines}`);
}

/** Parses a template for a list. */
export function parse(source: string): Template {
  try {
    return new Template(source);
  } catch (error) {
    throw commandFailed(`failed to parse template: ${messageOf(error)}`, error);
  }
}

/** Works out a template for a line. */
export function execute(template: Template, value: unknown): string {
  try {
    return template.execute(value);
  } catch (error) {
    throw commandFailed(`failed to execute template: ${messageOf(error)}`, error);
  }
}

function header(headers: Readonly<Record<string, string>>): Row {
  const columns = Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [name, (): string => text]),
  );
  return new Row("formatter.SubHeaderContext", columns, {
    Label: (name) => String(name).split(".").at(-1)?.replaceAll(/[-_]/g, " "),
  });
}

/** The first 12 characters of an ID without its algorithm. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(":") + 1).slice(0, 12);
}

/** `text` in at most `width` characters, the last one `…` when it was cut. */
export function ellipsis(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`;
}

/** Labels as `a=b,c=d`, in the order of their names. */
export function labelText(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",");
}
