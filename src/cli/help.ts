/**
 * Help and usage in docker's layout, wrapped as pflag wraps.
 * @module
 */
import type { FlagSpec } from "./flags.ts";
import type { Entry } from "./commands.ts";

/** What a command's help is made from. */
export interface HelpSubject {
  /** `caisson container run` */
  readonly path: string;
  /** What follows the path in the usage line. */
  readonly use: string;
  readonly short: string;
  readonly long?: string;
  /** Every spelling of the command, when there is more than one. */
  readonly spellings: readonly string[];
  readonly flags: readonly FlagSpec[];
}

/** The help of a command. `width` is the terminal's, 80 when there is none. */
export function commandHelp(subject: HelpSubject, width: number): string {
  const sections = [
    `Usage:  ${usageLine(subject.path, subject.use)}`,
    (subject.long ?? subject.short).trim(),
  ];
  if (subject.spellings.length > 1) sections.push(`Aliases:\n  ${subject.spellings.join(", ")}`);
  if (subject.flags.length > 0) sections.push(`Options:\n${flagUsages(subject.flags, width - 1)}`);
  return `${sections.join("\n\n")}\n`;
}

/** `caisson run [OPTIONS] IMAGE`, without a space at the end. */
export function usageLine(path: string, use: string): string {
  return use === ""
    ? path
    : use
        .split("\n")
        .map((form) => `${path} ${form}`)
        .join("\n\t");
}

/** The help of a group of commands such as `caisson container`. */
export function groupHelp(path: string, short: string, children: readonly Entry[]): string {
  return `Usage:  ${path} COMMAND\n\n${short}\n\n${commandList("Commands", children)}\n\nRun '${path} COMMAND --help' for more information on a command.\n`;
}

/** The help of the whole program. */
export function rootHelp(
  program: string,
  short: string,
  entries: readonly Entry[],
  flags: readonly FlagSpec[],
  width: number,
): string {
  const common = entries.filter((e) => e.common === true);
  const groups = entries.filter((e) => e.children !== undefined);
  const others = entries.filter((e) => e.children === undefined && e.common !== true && e.hidden !== true);
  return `${[
    `Usage:  ${program} [OPTIONS] COMMAND`,
    short,
    commandList("Common Commands", common),
    commandList("Management Commands", groups),
    commandList("Commands", others),
    `Global Options:\n${flagUsages(flags, width - 1)}`,
    `Run '${program} COMMAND --help' for more information on a command.`,
  ].join("\n\n")}\n`;
}

function commandList(title: string, entries: readonly Entry[]): string {
  const shown = entries.filter((e) => e.hidden !== true);
  const padding = Math.max(11, ...shown.map((e) => e.name.length));
  return `${title}:\n${shown.map((e) => `  ${e.name.padEnd(padding)} ${e.short}`).join("\n")}`;
}

/** The flags, two columns, the right one wrapped to `columns`. */
export function flagUsages(specs: readonly FlagSpec[], columns: number): string {
  const rows = specs
    .filter((spec) => spec.hidden !== true)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((spec) => {
      const name = spec.short === undefined ? `      --${spec.name}` : `  -${spec.short}, --${spec.name}`;
      const left = spec.type === "bool" ? name : `${name} ${spec.type}`;
      return { left, right: spec.usage + (spec.shown === undefined ? "" : ` (default ${spec.shown})`) };
    });
  const indent = Math.max(0, ...rows.map((row) => row.left.length)) + 3;
  return rows.map((row) => (row.left.padEnd(indent) + wrap(indent, columns, row.right)).trimEnd()).join("\n");
}

/** pflag's `wrap`: lines of `width - indent`, breathing 5 characters to avoid an orphan word at the end. */
function wrap(indent: number, width: number, text: string): string {
  const slop = 5;
  let margin = indent;
  let result = "";
  if (width - margin < 24) {
    margin = 16;
    result = `\n${" ".repeat(margin)}`;
  }
  const room = width - margin - slop;
  const lines: string[] = [];
  for (let rest = text; rest !== "";) {
    const at = breakAt(room, slop, rest);
    lines.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return result + lines.join("\n").replaceAll("\n", `\n${" ".repeat(margin)}`);
}

function breakAt(room: number, slop: number, text: string): number {
  if (room + slop > text.length) return text.length;
  const window = text.slice(0, room);
  const space = Math.max(window.lastIndexOf(" "), window.lastIndexOf("\t"), window.lastIndexOf("\n"));
  if (space <= 0) return text.length;
  const line = window.lastIndexOf("\n");
  return line > 0 && line < space ? line : space;
}
